// How examples are drawn, for every feature of this window: marks for white space, and one line each or the whole text.
export const exampleView = $state({ hasMarks: false, isOneLine: true });
