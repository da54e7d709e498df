import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Makes a metastore that has served into one that has a schema and no databases: {@code Blank FOLDER}
 *
 * <p>Hive then makes its default database anew, which has the address of the file system in it.
 * Derby is told to stop in order, so that the next start has nothing to recover.
 */
public final class Blank {
    private static final String STOPPED = "08006";

    private Blank() {}

    public static void main(String[] words) throws SQLException {
        String place = "jdbc:derby:;databaseName=" + words[0];
        try (Connection connection = DriverManager.getConnection(place);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("DELETE FROM DBS");
        }
        try {
            DriverManager.getConnection(place + ";shutdown=true");
        } catch (SQLException stopped) {
            if (!STOPPED.equals(stopped.getSQLState())) {
                throw stopped;
            }
        }
    }
}
