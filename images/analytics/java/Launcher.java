import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;

/**
 * Starts a class that was written for Java 8: {@code Launcher CLASS ARGUMENT…}
 *
 * <p>Hive 1.2 takes the thread's class loader for a URLClassLoader, which Java 9 no longer gives it,
 * and DataNucleus 3.2 reads a version that begins with "1.", which no option of Java can set. That
 * loader has nothing but the configuration: whatever Java's own loads may come from the archive of
 * classes, and what any other loads may not.
 */
public final class Launcher {
    private static final File CONFIGURATION = new File("/opt/analytics/conf/");

    private Launcher() {}

    public static void main(String[] words) throws Throwable {
        System.setProperty("java.version", "1.8.0");
        ClassLoader own = Launcher.class.getClassLoader();
        URL[] places = {CONFIGURATION.toURI().toURL()};
        Thread.currentThread().setContextClassLoader(new URLClassLoader(places, own));
        Object arguments = Arrays.copyOfRange(words, 1, words.length);
        try {
            own.loadClass(words[0]).getMethod("main", String[].class).invoke(null, arguments);
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }
}
