// Package tsm2iox calls the module of the world text (guest/tsm2iox-text.wasm), which imports nothing, by wazero:
// what a host of core modules has to know of the component model is call, below.
package tsm2iox

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Module is compiled once. It may be used by several goroutines.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// Instance has a memory of its own, and one plan at most. It is for one goroutine.
type Instance struct {
	module api.Module
}

// ErrTrap says that the module has broken off: its instance is lost.
var ErrTrap = errors.New("the module broke off")

// Compile takes the bytes of tsm2iox-text.wasm. The module may use memoryPages of 64 KiB.
func Compile(ctx context.Context, wasm []byte, memoryPages uint32) (*Module, error) {
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages).WithCloseOnContextDone(true)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	compiled, err := runtime.CompileModule(ctx, wasm)
	return &Module{runtime, compiled}, err
}

// Instantiate makes an instance.
func (m *Module) Instantiate(ctx context.Context) (*Instance, error) {
	module, err := m.runtime.InstantiateModule(ctx, m.compiled, wazero.NewModuleConfig().WithName(""))
	return &Instance{module}, err
}

// Close ends all instances.
func (m *Module) Close(ctx context.Context) error { return m.runtime.Close(ctx) }

// Close gives back its memory.
func (i *Instance) Close(ctx context.Context) error { return i.module.Close(ctx) }

// Convert makes line protocol of a response; settings is a JSON object, such as {"format": "csv"}.
func (i *Instance) Convert(ctx context.Context, response, settings string) (string, error) {
	return i.call(ctx, "convert", response, settings)
}

// Plan makes a call of the interface planner, as JSON.
func (i *Instance) Plan(ctx context.Context, message string) (string, error) {
	return i.call(ctx, "plan", message)
}

// The canonical ABI of func(string...) -> result<string, string>. A string is where it is and how many bytes it
// has; what is returned is the place of its case, the string of that, and is given back afterwards.
func (i *Instance) call(ctx context.Context, name string, texts ...string) (string, error) {
	var arguments []uint64
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return "", errors.New("the text is not UTF-8")
		}
		length := uint64(len(text))
		place, err := i.module.ExportedFunction("cabi_realloc").Call(ctx, 0, 0, 1, length)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrTrap, err)
		}
		if !i.module.Memory().WriteString(uint32(place[0]), text) {
			return "", ErrTrap
		}
		arguments = append(arguments, place[0], length)
	}
	returned, err := i.module.ExportedFunction(name).Call(ctx, arguments...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTrap, err)
	}
	result := uint32(returned[0])
	isError, _ := i.module.Memory().ReadByte(result)
	place, _ := i.module.Memory().ReadUint32Le(result + 4)
	length, _ := i.module.Memory().ReadUint32Le(result + 8)
	bytes, ok := i.module.Memory().Read(place, length)
	if !ok {
		return "", ErrTrap
	}
	text := string(bytes)
	if _, err := i.module.ExportedFunction("cabi_post_"+name).Call(ctx, uint64(result)); err != nil {
		return "", fmt.Errorf("%w: %w", ErrTrap, err)
	}
	if isError != 0 {
		return "", errors.New(text)
	}
	return text, nil
}
