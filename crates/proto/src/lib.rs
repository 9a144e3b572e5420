//! The words of Parlour: ids, limits, entries, commands, events, close codes, dialects
