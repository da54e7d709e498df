import java.util.ArrayList;
import java.util.List;
import org.apache.hive.service.cli.thrift.TCLIService;
import org.apache.hive.service.cli.thrift.TCloseOperationReq;
import org.apache.hive.service.cli.thrift.TCloseSessionReq;
import org.apache.hive.service.cli.thrift.TColumnValue;
import org.apache.hive.service.cli.thrift.TExecuteStatementReq;
import org.apache.hive.service.cli.thrift.TExecuteStatementResp;
import org.apache.hive.service.cli.thrift.TFetchOrientation;
import org.apache.hive.service.cli.thrift.TFetchResultsReq;
import org.apache.hive.service.cli.thrift.TFetchResultsResp;
import org.apache.hive.service.cli.thrift.TOpenSessionReq;
import org.apache.hive.service.cli.thrift.TOpenSessionResp;
import org.apache.hive.service.cli.thrift.TOperationHandle;
import org.apache.hive.service.cli.thrift.TProtocolVersion;
import org.apache.hive.service.cli.thrift.TRow;
import org.apache.hive.service.cli.thrift.TSessionHandle;
import org.apache.hive.service.cli.thrift.TStatus;
import org.apache.hive.service.cli.thrift.TStatusCode;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.transport.TSocket;

/**
 * A client of Hive over Thrift: {@code HiveQuery HOST PORT STATEMENT…}
 *
 * <p>Sends the statements in one session and writes the rows of their answers, columns apart by a
 * tab. Ends with 1 at the first statement that fails, and says why.
 */
public final class HiveQuery {
    private static final int TIMEOUT_MILLISECONDS = 120_000;
    private static final long ROWS_AT_ONCE = 1000;

    /** A statement that the server has refused. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(TStatus status) {
            super(status.getErrorMessage());
        }
    }

    private final TCLIService.Client client;
    private final TSessionHandle session;

    private HiveQuery(TCLIService.Client client) throws Exception {
        this.client = client;
        // The version before results came by column.
        TOpenSessionReq request =
                new TOpenSessionReq(TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V5);
        TOpenSessionResp answer = client.OpenSession(request);
        check(answer.getStatus());
        this.session = answer.getSessionHandle();
    }

    public static void main(String[] words) throws Exception {
        TSocket socket = new TSocket(words[0], Integer.parseInt(words[1]), TIMEOUT_MILLISECONDS);
        try {
            socket.open();
            HiveQuery query = new HiveQuery(new TCLIService.Client(new TBinaryProtocol(socket)));
            for (int i = 2; i < words.length; i++) {
                query.ask(words[i]);
            }
            query.client.CloseSession(new TCloseSessionReq(query.session));
        } catch (Refused refused) {
            System.err.println(refused.getMessage());
            System.exit(1);
        } finally {
            socket.close();
        }
    }

    private void ask(String statement) throws Exception {
        TExecuteStatementResp answer =
                client.ExecuteStatement(new TExecuteStatementReq(session, statement));
        check(answer.getStatus());
        TOperationHandle operation = answer.getOperationHandle();
        if (operation.isHasResultSet()) {
            print(operation);
        }
        client.CloseOperation(new TCloseOperationReq(operation));
    }

    private void print(TOperationHandle operation) throws Exception {
        for (; ; ) {
            TFetchResultsResp answer =
                    client.FetchResults(
                            new TFetchResultsReq(
                                    operation, TFetchOrientation.FETCH_NEXT, ROWS_AT_ONCE));
            check(answer.getStatus());
            List<TRow> rows = answer.getResults().getRows();
            if (rows.isEmpty()) {
                return;
            }
            for (TRow row : rows) {
                System.out.println(line(row));
            }
        }
    }

    private static void check(TStatus status) throws Refused {
        TStatusCode code = status.getStatusCode();
        if (code != TStatusCode.SUCCESS_STATUS && code != TStatusCode.SUCCESS_WITH_INFO_STATUS) {
            throw new Refused(status);
        }
    }

    private static String line(TRow row) {
        List<String> cells = new ArrayList<>();
        for (TColumnValue value : row.getColVals()) {
            cells.add(String.valueOf(cell(value)));
        }
        return String.join("\t", cells);
    }

    /** The value of a cell; null when the cell is. */
    private static Object cell(TColumnValue value) {
        switch (value.getSetField()) {
            case BOOL_VAL:
                return value.getBoolVal().isSetValue() ? value.getBoolVal().isValue() : null;
            case BYTE_VAL:
                return value.getByteVal().isSetValue() ? value.getByteVal().getValue() : null;
            case I16_VAL:
                return value.getI16Val().isSetValue() ? value.getI16Val().getValue() : null;
            case I32_VAL:
                return value.getI32Val().isSetValue() ? value.getI32Val().getValue() : null;
            case I64_VAL:
                return value.getI64Val().isSetValue() ? value.getI64Val().getValue() : null;
            case DOUBLE_VAL:
                return value.getDoubleVal().isSetValue() ? value.getDoubleVal().getValue() : null;
            default:
                return value.getStringVal().getValue();
        }
    }
}
