/* Calls of trigger functions. */
#include "pgv8.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/rel.h"

static const char *const names[] = {
	"NEW", "OLD", "TG_OP", "TG_WHEN", "TG_LEVEL", "TG_NAME", "TG_TABLE_SCHEMA", "TG_TABLE_NAME", "TG_ARGV",
};

static Value
words(const char *text)
{
	return (Value){.kind = KIND_TEXT, .text = text};
}

static const char *
operation(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

static const char *
moment(TriggerEvent event)
{
	if (TRIGGER_FIRED_BEFORE(event))
		return "BEFORE";
	return TRIGGER_FIRED_AFTER(event) ? "AFTER" : "INSTEAD OF";
}

static Value
list_of(const Trigger *trigger)
{
	Value list = {.kind = KIND_LIST, .count = trigger->tgnargs};

	list.items = palloc(sizeof(Value) * (trigger->tgnargs + 1));
	for (int i = 0; i < trigger->tgnargs; i++)
		list.items[i] = words(trigger->tgargs[i]);
	return list;
}

/* The row that goes on when the function says nothing; NULL for statements. */
static HeapTuple
row_at_hand(const TriggerData *data)
{
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return NULL;
	return TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
}

static const Value *
arguments_of(const TriggerData *data, TupleDesc description)
{
	Value *values = palloc0(sizeof(Value) * lengthof(names));
	TriggerEvent event = data->tg_event;
	bool each = TRIGGER_FIRED_FOR_ROW(event);

	if (each && !TRIGGER_FIRED_BY_DELETE(event))
		values[0] = value_from_tuple(row_at_hand(data), description);
	if (each && !TRIGGER_FIRED_BY_INSERT(event))
		values[1] = value_from_tuple(data->tg_trigtuple, description);
	values[2] = words(operation(event));
	values[3] = words(moment(event));
	values[4] = words(each ? "ROW" : "STATEMENT");
	values[5] = words(data->tg_trigger->tgname);
	values[6] = words(SPI_getnspname(data->tg_relation));
	values[7] = words(RelationGetRelationName(data->tg_relation));
	values[8] = list_of(data->tg_trigger);
	return values;
}

void
add_trigger_parameters(Call *call)
{
	call->parameter_count = lengthof(names);
	call->parameters = (const char **) names;
}

/*
 * What a BEFORE trigger for each row returns:
 *
 *   undefined  the row goes on as it is
 *   null       nothing is done with this row
 *   an object  goes on in its place
 */
Datum
call_trigger(FunctionCallInfo fcinfo, HeapTuple procedure, MemoryContext outer)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc description = RelationGetDescr(data->tg_relation);
	Call call = call_of(procedure);
	Outcome outcome;
	HeapTuple row = row_at_hand(data);
	MemoryContext before;

	add_trigger_parameters(&call);
	call.arguments = arguments_of(data, description);
	call.row = true;
	call.columns = columns_of(description);
	call.column_count = description->natts;
	call.nothing = row == NULL || TRIGGER_FIRED_AFTER(data->tg_event);
	outcome = run_call(&call, procedure);
	fcinfo->isnull = false;
	if (call.nothing)
		return PointerGetDatum(NULL);
	if (outcome.undefined)
		return PointerGetDatum(row);
	if (outcome.row_count == 0)
		return PointerGetDatum(NULL);
	/* What is made here must outlive this function's own memory. */
	before = MemoryContextSwitchTo(outer);
	row = tuple_from_values(outcome.cells, description);
	MemoryContextSwitchTo(before);
	return PointerGetDatum(row);
}
