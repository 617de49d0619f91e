package tsm2iox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	root        = "../.."
	memoryPages = 512 << 20 / 65536
)

func module(t *testing.T) *Module {
	wasm, err := os.ReadFile(filepath.Join(root, "guest/tsm2iox-text.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := Compile(context.Background(), wasm, memoryPages)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { module.Close(context.Background()) })
	return module
}

// Each response of tests/corpus that is text gives its lines, or its error.
func TestConvert(t *testing.T) {
	ctx, module := context.Background(), module(t)
	files, _ := filepath.Glob(filepath.Join(root, "tests/corpus/*/response.*"))
	checked := 0
	for _, file := range files {
		response, _ := os.ReadFile(file)
		folder, format := filepath.Dir(file), strings.TrimPrefix(filepath.Ext(file), ".")
		if format == "msgpack" || !utf8.Valid(response) {
			continue
		}
		settings := map[string]any{}
		if text, err := os.ReadFile(filepath.Join(folder, "settings.json")); err == nil {
			json.Unmarshal(text, &settings)
		}
		settings["format"] = format
		text, _ := json.Marshal(settings)
		instance, err := module.Instantiate(ctx)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := instance.Convert(ctx, string(response), string(text))
		expected, fails := os.ReadFile(filepath.Join(folder, "error.txt"))
		if fails == nil {
			if err == nil || err.Error()+"\n" != string(expected) {
				t.Errorf("%s: %v", folder, err)
			}
		} else {
			expected, _ := os.ReadFile(filepath.Join(folder, "lines.lp"))
			if err != nil || !bytes.Equal([]byte(lines), expected) {
				t.Errorf("%s: %v", folder, err)
			}
		}
		instance.Close(ctx)
		checked++
	}
	if checked < 80 {
		t.Errorf("only %d cases", checked)
	}
}

// Each dialogue of tests/dialogues is what it was.
func TestPlan(t *testing.T) {
	ctx, module := context.Background(), module(t)
	files, _ := filepath.Glob(filepath.Join(root, "tests/dialogues/*.txt"))
	if len(files) < 12 {
		t.Fatalf("only %d dialogues", len(files))
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		instance, err := module.Instantiate(ctx)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			switch line[:2] {
			case "> ":
				if said, err = instance.Plan(ctx, line[2:]); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			case "< ":
				if said != line[2:] {
					t.Fatalf("%s: said %s, not %s", file, said, line[2:])
				}
			default:
				t.Fatalf("%s: %s", file, line)
			}
		}
		instance.Close(ctx)
	}
}

// What a context ends is lost, and says so.
func TestEnd(t *testing.T) {
	instance, err := module(t).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := instance.Convert(ctx, "", "{}"); !errors.Is(err, ErrTrap) {
		t.Errorf("%v", err)
	}
}

func TestNoText(t *testing.T) {
	instance, err := module(t).Instantiate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Plan(context.Background(), "\xff"); err == nil || errors.Is(err, ErrTrap) {
		t.Errorf("%v", err)
	}
}
