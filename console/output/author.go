package output

import "netmon/console"

// Author is the column of who did something, of all lists.
func Author[T any](of func(T) string) Column[T] {
	return Column[T]{Title: "AUTHOR", Cut: Place, Cell: func(it T) string { return console.AuthorText(of(it)) }}
}

// inWide is a column of wide and csv alone, in its place among the others.
func inWide[T any](col Column[T]) Column[T] {
	col.Extra = true
	return col
}
