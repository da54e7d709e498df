import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Starts a class that was written for Java 8: {@code Launcher CLASS ARGUMENT…}
 *
 * <p>Hive 1.2 takes the class loader for a URLClassLoader, which Java 9 no longer gives it, and
 * DataNucleus 3.2 reads a version that begins with "1.", which no option of Java can set.
 */
public final class Launcher {
    private static final String[] PLACES = {"conf", "", "lib"};

    private Launcher() {}

    public static void main(String[] words) throws Throwable {
        System.setProperty("java.version", "1.8.0");
        List<URL> path = new ArrayList<>();
        for (String place : PLACES) {
            File folder = new File("/opt/analytics", place);
            path.add(folder.toURI().toURL());
            for (File jar : jarsIn(folder)) {
                path.add(jar.toURI().toURL());
            }
        }
        System.setProperty("java.class.path", joined(path));
        ClassLoader loader =
                new URLClassLoader(path.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        Object arguments = Arrays.copyOfRange(words, 1, words.length);
        try {
            loader.loadClass(words[0]).getMethod("main", String[].class).invoke(null, arguments);
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    private static File[] jarsIn(File folder) {
        File[] jars = folder.listFiles((where, name) -> name.endsWith(".jar"));
        if (jars == null) {
            return new File[0];
        }
        Arrays.sort(jars);
        return jars;
    }

    private static String joined(List<URL> path) {
        List<String> names = new ArrayList<>();
        for (URL place : path) {
            names.add(place.getPath());
        }
        return String.join(":", names);
    }
}
