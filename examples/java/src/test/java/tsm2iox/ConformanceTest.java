package tsm2iox;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.ThrowingSupplier;

/** What each host must get: the lines or the error of each response, and each dialogue as it was. */
class ConformanceTest {
    private static final Path ROOT = Path.of("../..");
    private static final int MEMORY_PAGES = (512 << 20) / 65536;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static Text.Compiled module;

    @BeforeAll
    static void compile() throws IOException {
        module = Text.compile(Files.readAllBytes(ROOT.resolve("guest/tsm2iox-text.wasm")), MEMORY_PAGES);
    }

    @TestFactory
    List<DynamicTest> eachResponseOfTheCorpusThatIsTextGivesItsLinesOrItsError() throws IOException {
        List<DynamicTest> cases = new ArrayList<>();
        for (Path file : files("tests/corpus", "response.*")) {
            String format = file.getFileName().toString().replace("response.", "");
            if (format.equals("msgpack")) {
                continue;
            }
            try {
                String response = Files.readString(file);
                cases.add(dynamicTest(file.toString(), () -> check(file.getParent(), format, response)));
            } catch (CharacterCodingException notText) {
                // It is no string, and left out.
            }
        }
        assertTrue(cases.size() >= 80, "only " + cases.size() + " cases");
        return cases;
    }

    private static void check(Path folder, String format, String response) throws IOException {
        String name = folder.toString();
        Path given = folder.resolve("settings.json"), error = folder.resolve("error.txt");
        var settings = Files.exists(given) ? (ObjectNode) JSON.readTree(given.toFile()) : JSON.createObjectNode();
        settings.put("format", format);
        ThrowingSupplier<String> convert = () -> module.instance().convert(response, settings.toString());
        if (Files.exists(error)) {
            var refused = assertThrows(Text.RefusedException.class, convert::get, name);
            assertEquals(Files.readString(error), refused.getMessage() + "\n", name);
        } else {
            assertEquals(Files.readString(folder.resolve("lines.lp")), assertDoesNotThrow(convert, name), name);
        }
    }

    @TestFactory
    List<DynamicTest> eachDialogueIsWhatItWas() throws IOException {
        List<DynamicTest> cases = new ArrayList<>();
        for (Path file : files("tests/dialogues", "*.txt")) {
            cases.add(dynamicTest(file.toString(), () -> repeat(file)));
        }
        assertTrue(cases.size() >= 12, "only " + cases.size() + " dialogues");
        return cases;
    }

    private static void repeat(Path file) throws IOException {
        Text instance = module.instance();
        String said = "";
        for (String line : Files.readString(file).split("\n")) {
            if (line.startsWith("> ")) {
                said = assertDoesNotThrow(() -> instance.plan(line.substring(2)), file.toString());
            } else {
                assertEquals(line, "< " + said, file.toString());
            }
        }
    }

    @Test
    void anInterruptBreaksOff() {
        Text instance = module.instance();
        Thread.currentThread().interrupt();
        assertThrows(Text.TrapException.class, () -> instance.convert("", "{}"));
        assertTrue(Thread.interrupted());
    }

    @Test
    void aLoneSurrogateIsNotMended() {
        Text instance = module.instance();
        assertThrows(IllegalArgumentException.class, () -> instance.convert("m,h=\udc00 v=1 1\n", "{\"format\": \"lp\"}"));
    }

    @Test
    void anInstanceHasACeiling() {
        int pages = 200;
        Text instance = new Text.Compiled(module.module(), module.machine(), pages).instance();
        String large = " ".repeat(pages * 65536);
        assertThrows(Text.TrapException.class, () -> instance.convert(large, "{}"));
    }

    private static List<Path> files(String folder, String name) throws IOException {
        var matcher = FileSystems.getDefault().getPathMatcher("glob:" + name);
        try (var files = Files.walk(ROOT.resolve(folder))) {
            return files.filter(file -> matcher.matches(file.getFileName())).sorted().toList();
        }
    }
}
