/* What became of a cell between two grids: the same rules as `matrix diff`. */
matrix.changes = (() => {
  const CLASSES = ["regression", "fixed", "still failing", "new failure", "new pass", "appeared", "disappeared", "environment changed", "probe set changed"];
  const classOf = () => "";
  const compare = () => [];
  return { CLASSES, classOf, compare };
})();
