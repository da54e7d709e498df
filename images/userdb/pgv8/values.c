/* PostgreSQL's values from and to those of the bridge. */
#include "pgv8.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static Value
whole(int64 number)
{
	return (Value){.kind = KIND_WHOLE, .whole = number};
}

static Value
number(double number)
{
	return (Value){.kind = KIND_NUMBER, .number = number};
}

/* The flat items of an array as lists of lists, one level for each dimension. */
static Value
nested(Value *items, int dimensions, const int *lengths)
{
	Value list = {.kind = KIND_LIST, .count = lengths[0]};
	size_t stride = 1;

	if (dimensions == 1)
	{
		list.items = items;
		return list;
	}
	for (int i = 1; i < dimensions; i++)
		stride *= lengths[i];
	list.items = palloc(sizeof(Value) * lengths[0]);
	for (int i = 0; i < lengths[0]; i++)
		list.items[i] = nested(items + i * stride, dimensions - 1, lengths + 1);
	return list;
}

static Value
value_from_array(Datum datum, Oid element)
{
	ArrayType *array = DatumGetArrayTypeP(datum);
	Datum *datums;
	bool *nulls;
	int count;
	int16 length;
	bool by_value;
	char alignment;
	Value *items;

	get_typlenbyvalalign(element, &length, &by_value, &alignment);
	deconstruct_array(array, element, length, by_value, alignment, &datums, &nulls, &count);
	if (count == 0)
		return (Value){.kind = KIND_LIST};
	items = palloc0(sizeof(Value) * count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			items[i] = value_from_datum(datums[i], element);
	}
	return nested(items, ARR_NDIM(array), ARR_DIMS(array));
}

Value
value_from_tuple(HeapTuple tuple, TupleDesc description)
{
	int width = description->natts;
	Datum *datums = palloc(sizeof(Datum) * width);
	bool *nulls = palloc(sizeof(bool) * width);
	Value row = {.kind = KIND_OBJECT};

	row.names = palloc(sizeof(char *) * (width + 1));
	row.items = palloc0(sizeof(Value) * (width + 1));
	heap_deform_tuple(tuple, description, datums, nulls);
	for (int i = 0; i < width; i++)
	{
		Form_pg_attribute column = TupleDescAttr(description, i);

		if (column->attisdropped)
			continue;
		row.names[row.count] = NameStr(column->attname);
		if (!nulls[i])
			row.items[row.count] = value_from_datum(datums[i], column->atttypid);
		row.count++;
	}
	return row;
}

static Value
value_from_row(Datum datum)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(datum);
	TupleDesc description = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header),
														HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};

	return value_from_tuple(&tuple, description);
}

static Value
value_from_output(Datum datum, Oid type)
{
	Oid function;
	bool variable_length;
	bool is_json = type == JSONOID || type == JSONBOID;

	getTypeOutputInfo(type, &function, &variable_length);
	return (Value){.kind = is_json ? KIND_JSON : KIND_TEXT,
				   .text = OidOutputFunctionCall(function, datum)};
}

/*
 * A value that is not null. What a double holds exactly is a number, numeric is text: a trigger
 * that hands a row back as it got it must not change it.
 */
Value
value_from_datum(Datum datum, Oid type)
{
	Oid base = getBaseType(type);
	Oid element = get_element_type(base);

	switch (base)
	{
		case BOOLOID:
			return (Value){.kind = KIND_BOOLEAN, .number = DatumGetBool(datum)};
		case INT2OID:
			return whole(DatumGetInt16(datum));
		case INT4OID:
			return whole(DatumGetInt32(datum));
		case INT8OID:
			return whole(DatumGetInt64(datum));
		case OIDOID:
			return whole(DatumGetObjectId(datum));
		case FLOAT4OID:
			return number(DatumGetFloat4(datum));
		case FLOAT8OID:
			return number(DatumGetFloat8(datum));
		default:
			break;
	}
	if (OidIsValid(element))
		return value_from_array(datum, element);
	if (type_is_rowtype(base))
		return value_from_row(datum);
	return value_from_output(datum, base);
}

Form
form_of(Oid type)
{
	Oid base = getBaseType(type);
	Oid element = get_element_type(base);

	if (base == JSONOID || base == JSONBOID)
		return FORM_JSON;
	if (!OidIsValid(element))
		return FORM_TEXT;
	element = getBaseType(element);
	return element == JSONOID || element == JSONBOID ? FORM_LIST_OF_JSON : FORM_LIST;
}

Column *
columns_of(TupleDesc description)
{
	Column *columns = palloc0(sizeof(Column) * (description->natts + 1));

	for (int i = 0; i < description->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(description, i);

		if (attribute->attisdropped)
			continue;
		columns[i].name = NameStr(attribute->attname);
		columns[i].form = form_of(attribute->atttypid);
	}
	return columns;
}

/* Through the type's input function, null too: a domain may refuse it. */
Datum
datum_from_value(const Value *value, Oid type, int32 modifier, bool *isnull)
{
	Oid function;
	Oid parameter;

	getTypeInputInfo(type, &function, &parameter);
	*isnull = value->kind == KIND_NULL;
	return OidInputFunctionCall(function, *isnull ? NULL : unconstify(char *, value->text),
								parameter, modifier);
}

HeapTuple
tuple_from_values(const Value *values, TupleDesc description)
{
	Datum *datums = palloc0(sizeof(Datum) * description->natts);
	bool *nulls = palloc(sizeof(bool) * description->natts);

	for (int i = 0; i < description->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(description, i);

		nulls[i] = true;
		if (!column->attisdropped)
			datums[i] = datum_from_value(&values[i], column->atttypid, column->atttypmod, &nulls[i]);
	}
	return heap_form_tuple(description, datums, nulls);
}
