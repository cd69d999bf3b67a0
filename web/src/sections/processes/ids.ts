/** The elements of the table by which the keys find them. The page has one of each. */
export const FILTER_ID = "process-filter";
export const ALL_ID = "all-processes";
export const PREVIOUS_ID = "previous-processes";
export const NEXT_ID = "next-processes";
