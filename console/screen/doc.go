// Package screen is the live screen: what a [view.Snapshot] looks like on a
// terminal, and what keys do to it.
//
// Rendering is a function of snapshot, size and [UI], and returns text; keys
// are a function of key and UI, and return what is to be done. Neither knows a
// terminal or a broker. [Run] is the program around them. [Table] is the twin
// for pipes, of the same rows.
//
// Signs and words tell states; colours are only beside them, and only the 16
// basic ones, which every terminal shows in the shades that its owner chose.
// All text that came from the mesh is made printable before it is shown.
package screen
