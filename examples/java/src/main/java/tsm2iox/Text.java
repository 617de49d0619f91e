package tsm2iox;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.dylibso.chicory.compiler.InterpreterFallback;
import com.dylibso.chicory.compiler.MachineFactoryCompiler;
import com.dylibso.chicory.runtime.ByteArrayMemory;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.runtime.Machine;
import com.dylibso.chicory.wasm.ChicoryException;
import com.dylibso.chicory.wasm.Parser;
import com.dylibso.chicory.wasm.WasmModule;
import com.dylibso.chicory.wasm.types.MemoryLimits;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Arrays;
import java.util.function.Function;

/**
 * Calls the module of the world text (guest/tsm2iox-text.wasm), which imports nothing, by Chicory: what a host of
 * core modules has to know of the component model is {@link #call}, below. An instance has a memory of its own, and
 * one plan at most. It is for one thread.
 */
public final class Text {
    private final Instance instance;

    /** Compiled once. It may be used by several threads. */
    public record Compiled(WasmModule module, Function<Instance, Machine> machine, int memoryPages) {
        /** Makes an instance. */
        public Text instance() {
            return new Text(Instance.builder(module)
                    .withMachineFactory(machine)
                    .withMemoryFactory(own ->
                            new ByteArrayMemory(new MemoryLimits(own.initialPages(), memoryPages)))
                    .build());
        }
    }

    /** What the module says to a response or a message that it cannot use: the text, for people, with its hint. */
    public static final class RefusedException extends Exception {
        private RefusedException(String text) {
            super(text);
        }
    }

    /** The module has broken off: its instance is lost. */
    public static final class TrapException extends RuntimeException {
        private TrapException(ChicoryException cause) {
            super("the module broke off", cause);
        }
    }

    private Text(Instance instance) {
        this.instance = instance;
    }

    /** Takes the bytes of tsm2iox-text.wasm. An instance may use memoryPages of 64 KiB. */
    public static Compiled compile(byte[] wasm, int memoryPages) {
        WasmModule module = Parser.parse(wasm);
        // A few functions are too large for a method of the JVM, and are interpreted.
        var compiler = MachineFactoryCompiler.builder(module).withInterpreterFallback(InterpreterFallback.SILENT);
        return new Compiled(module, compiler.compile(), memoryPages);
    }

    /** Makes line protocol of a response; settings is a JSON object, such as {"format": "csv"}. */
    public String convert(String response, String settings) throws RefusedException {
        return call("convert", response, settings);
    }

    /** Makes a call of the interface planner, as JSON. */
    public String plan(String message) throws RefusedException {
        return call("plan", message);
    }

    // Of a lone surrogate String.getBytes would make a question mark.
    private static byte[] bytes(String text) {
        try {
            ByteBuffer bytes = UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            return Arrays.copyOf(bytes.array(), bytes.limit());
        } catch (CharacterCodingException lone) {
            throw new IllegalArgumentException("the text has a lone surrogate", lone);
        }
    }

    // The canonical ABI of func(string...) -> result<string, string>. A string is where it is and how many bytes it
    // has; what is returned is the place of its case, the string of that, and is given back afterwards.
    private String call(String name, String... texts) throws RefusedException {
        boolean isError;
        String text;
        try {
            var memory = instance.memory();
            long[] arguments = new long[2 * texts.length];
            for (int i = 0; i < texts.length; i++) {
                byte[] bytes = bytes(texts[i]);
                long place = instance.export("cabi_realloc").apply(0, 0, 1, bytes.length)[0];
                memory.write((int) place, bytes);
                arguments[2 * i] = place;
                arguments[2 * i + 1] = bytes.length;
            }
            int result = (int) instance.export(name).apply(arguments)[0];
            isError = memory.read(result) != 0;
            text = memory.readString(memory.readInt(result + 4), memory.readInt(result + 8));
            instance.export("cabi_post_" + name).apply(result);
        } catch (ChicoryException broken) {
            throw new TrapException(broken);
        }
        if (isError) {
            throw new RefusedException(text);
        }
        return text;
    }
}
