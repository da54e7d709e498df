"""What analysts do: tables in Hive, asked over Thrift."""

import pytest

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def table(hive, token):
    """Name of a table that is dropped after the probe."""
    yield token
    hive(f"DROP TABLE IF EXISTS {token}")


def test_rows_are_stored_and_summed_up(hive, table):
    """Rows are stored in a table and summed up by group"""
    answers = hive(
        f"CREATE TABLE {table} (day STRING, page STRING, hits INT)",
        f"INSERT INTO TABLE {table} VALUES ('mon', '/a', 3), ('mon', '/b', 4), ('tue', '/a', 35)",
        f"SELECT day, SUM(hits) FROM {table} GROUP BY day ORDER BY day",
        f"SELECT COUNT(*) FROM {table} WHERE page = '/a'",
    )
    assert answers == [["mon", "7"], ["tue", "35"], ["2"]]


def test_a_file_becomes_a_table(host, hive, folder, table):
    """A file in HDFS becomes a table, and a query reads every line of it"""
    host.run(
        "seq 100000 | timeout 20 curl -sSL -X PUT"
        " -H Content-Type:application/octet-stream --data-binary @- %s",
        f"http://localhost:50070/webhdfs/v1{folder}/numbers?user.name=ann&op=CREATE",
    )
    answers = hive(
        f"CREATE EXTERNAL TABLE {table} (n BIGINT) LOCATION '{folder}'",
        f"SELECT COUNT(*), SUM(n), MAX(n) FROM {table}",
    )
    assert answers == [["100000", "5000050000", "100000"]]


def test_partitions_are_folders(hive, webhdfs, table):
    """A partitioned table in columns has a folder for each part"""
    answers = hive(
        f"CREATE TABLE {table} (hits INT) PARTITIONED BY (day STRING) STORED AS ORC",
        f"INSERT INTO TABLE {table} PARTITION (day = 'mon') VALUES (20), (1)",
        f"INSERT INTO TABLE {table} PARTITION (day = 'tue') VALUES (2)",
        f"SELECT MAX(a.hits * b.hits) FROM {table} a JOIN {table} b ON a.day = b.day",
        f"SHOW PARTITIONS {table}",
    )
    assert answers == [["400"], ["day=mon"], ["day=tue"]]
    status, listed = webhdfs("GET", f"/user/hive/warehouse/{table}/day=mon", "LISTSTATUS")
    assert status == 200
    assert '"type":"FILE"' in listed


@pytest.mark.parametrize(
    "words",
    ["Grüße aus Köln", "漢字かな交じり文", "☃ 🐳"],
    ids=["umlauts", "japanese", "symbols"],
)
def test_text_in_any_script_survives(hive, store, folder, table, words):
    """Text in any script comes out of a table as it went into its file"""
    store(f"{folder}/words", words)
    answers = hive(
        f"CREATE EXTERNAL TABLE {table} (words STRING) LOCATION '{folder}'",
        f"SELECT words, LENGTH(words) FROM {table}",
    )
    assert answers == [[words, str(len(words))]]


def test_functions_compute(hive):
    """Functions for text, dates and numbers compute"""
    answers = hive(
        "SELECT UPPER('abc'), REGEXP_EXTRACT('/shop/42', '([0-9]+)$', 1),"
        " DATEDIFF('2024-03-01', '2024-02-01'), ROUND(2.0 / 3, 4), CAST(NULL AS INT)"
    )
    assert answers == [["ABC", "42", "29", "0.6667", "null"]]


def test_a_wrong_statement_is_refused_with_a_reason(host):
    """A wrong statement is refused, with the reason"""
    refused = host.run("timeout 60 hive-query 'SELECT nobody FROM nowhere'")
    assert refused.rc == 1
    assert "Table not found 'nowhere'" in refused.stderr


def test_the_metastore_speaks_thrift(host):
    """The metastore, asked in bare Thrift, names the databases"""
    call = "\\x80\\x01\\x00\\x01\\x00\\x00\\x00\\x11get_all_databases\\x00\\x00\\x00\\x07\\x00"
    answered = host.run(
        "timeout 10 bash -c %s",
        f"exec 3<>/dev/tcp/localhost/9083; printf '{call}' >&3; head -c 48 <&3 | tr -d '\\0'",
    )
    assert "get_all_databases" in answered.stdout, answered.stderr
    assert "default" in answered.stdout


def test_the_software_is_what_is_named(host):
    """What runs is Hadoop 2.7.3, Hive 1.2.1, Thrift 0.9.3 and Java 17"""
    opened = host.run("ls -l /proc/[0-9]*/fd 2>/dev/null").stdout
    for jar in ("hadoop-hdfs-2.7.3", "hive-exec-1.2.1", "hive-metastore-1.2.1", "libthrift-0.9.3"):
        assert f"/{jar}" in opened, jar
    loaded = host.run("grep -hs libjvm /proc/[0-9]*/maps").stdout
    assert "java-17-openjdk" in loaded
