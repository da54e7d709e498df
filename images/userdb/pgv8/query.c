/* What JavaScript asks of PostgreSQL. Nothing here jumps out: errors are caught and handed over. */
#include "pgv8.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* Whether the function that runs now was declared not to write. */
static bool read_only = true;

/* The cancellation that ended a statement, until it is raised again. */
static ErrorData *stop = NULL;

bool
query_set_read_only(bool wanted)
{
	bool before = read_only;

	read_only = wanted;
	return before;
}

/* Whatever JavaScript made of it: a cancellation is not caught. */
void
query_raise_stop(void)
{
	ErrorData *error = stop;

	stop = NULL;
	if (error != NULL)
		ReThrowError(error);
}

void *
bridge_allocate(size_t size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
}

bool
bridge_interrupted(void)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

void
bridge_die(const char *message)
{
	/* FATAL leaves by exit() and undoes what the session held; the others do not notice. */
	ereport(FATAL, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("%s", message)));
	pg_unreachable();
}

bool
bridge_notice(const char *level, const char *message)
{
	static const struct
	{
		const char *name;
		int level;
	} levels[] = {{"debug", DEBUG1}, {"log", LOG}, {"info", INFO}, {"notice", NOTICE}, {"warning", WARNING}};

	for (size_t i = 0; i < lengthof(levels); i++)
	{
		if (strcmp(level, levels[i].name) != 0)
			continue;
		/* Below ERROR nothing is raised. */
		ereport(levels[i].level, (errmsg("%s", message)));
		return true;
	}
	return false;
}

/* Types follow from what the values were in JavaScript; SQL casts them where it needs another. */
static Oid
type_of(const Value *value)
{
	switch (value->kind)
	{
		case KIND_BOOLEAN:
			return BOOLOID;
		case KIND_WHOLE:
			return INT8OID;
		case KIND_NUMBER:
			return FLOAT8OID;
		case KIND_DATE:
			return TIMESTAMPTZOID;
		case KIND_JSON:
			return JSONBOID;
		default:
			return TEXTOID;
	}
}

static SPIPlanPtr
prepare(const char *sql, int count, const Value *parameters)
{
	Oid *types = palloc(sizeof(Oid) * (count + 1));
	SPIPlanPtr plan;

	for (int i = 0; i < count; i++)
		types[i] = type_of(&parameters[i]);
	plan = SPI_prepare(sql, count, types);
	if (plan == NULL)
		elog(ERROR, "the statement cannot be prepared: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static int
carry_out(SPIPlanPtr plan, int count, const Value *parameters)
{
	Datum *values = palloc0(sizeof(Datum) * (count + 1));
	char *nulls = palloc0(count + 1);
	int code;

	for (int i = 0; i < count; i++)
	{
		bool isnull;

		values[i] = datum_from_value(&parameters[i], type_of(&parameters[i]), -1, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	code = SPI_execute_plan(plan, values, nulls, read_only, 0);
	if (code < 0)
		elog(ERROR, "the statement cannot be carried out: %s", SPI_result_code_string(code));
	return code;
}

static void
take_rows(Answer *answer)
{
	TupleDesc description = SPI_tuptable->tupdesc;
	int width = description->natts;

	answer->has_rows = true;
	answer->column_count = width;
	answer->columns = palloc(sizeof(char *) * (width + 1));
	answer->cells = MemoryContextAllocExtended(CurrentMemoryContext,
											   sizeof(Value) * (answer->row_count * width + 1),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int j = 0; j < width; j++)
		answer->columns[j] = pstrdup(NameStr(TupleDescAttr(description, j)->attname));
	for (size_t i = 0; i < answer->row_count; i++)
	{
		for (int j = 0; j < width; j++)
		{
			bool isnull;
			Datum datum = SPI_getbinval(SPI_tuptable->vals[i], description, j + 1, &isnull);

			if (!isnull)
				answer->cells[i * width + j] = value_from_datum(datum, TupleDescAttr(description, j)->atttypid);
		}
	}
}

/* Raises. Everything it makes is in the answer's memory. */
static void
answer_query(const char *sql, int count, const Value *parameters, Answer *answer)
{
	SPIPlanPtr plan = prepare(sql, count, parameters);

	carry_out(plan, count, parameters);
	answer->row_count = SPI_processed;
	if (SPI_tuptable != NULL)
	{
		MemoryContextSwitchTo(answer->memory);
		take_rows(answer);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freeplan(plan);
}

static void
note_error(Answer *answer, ErrorData *error)
{
	answer->error = error->message != NULL ? error->message : "an error without a message";
	answer->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	answer->stop = error->sqlerrcode == ERRCODE_QUERY_CANCELED;
}

/* In a subtransaction, so that what JavaScript catches is undone. */
void
bridge_query(const char *sql, int count, const Value *parameters, Answer *answer)
{
	MemoryContext before = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool begun = false;

	*answer = (Answer){0};
	PG_TRY();
	{
		answer->memory = AllocSetContextCreate(before, "pgv8 answer", ALLOCSET_DEFAULT_SIZES);
		BeginInternalSubTransaction(NULL);
		begun = true;
		MemoryContextSwitchTo(answer->memory);
		answer_query(sql, count, parameters, answer);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(before);
		error = CopyErrorData();
		FlushErrorState();
		if (begun)
			RollbackAndReleaseCurrentSubTransaction();
		note_error(answer, error);
		if (answer->stop)
			stop = error;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(before);
	CurrentResourceOwner = owner;
}

void
bridge_release(Answer *answer)
{
	if (answer->memory != NULL)
		MemoryContextDelete(answer->memory);
	answer->memory = NULL;
}
