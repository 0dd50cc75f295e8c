// Package screen is the live screen: what a [view.Snapshot] looks like on a
// terminal, and what keys do to it.
//
// Rendering is a function of snapshot, size and [UI], and returns text. Keys,
// clicks and commands after a colon change the UI, and return an [Effect]: what
// is to be done. Neither knows a terminal or a broker. [Run] is the program
// around them. [Table] writes the same rows as lines, for pipes.
//
// A narrow screen shortens the strip of runs first, then leaves out figures;
// names give way last. Two lines below the table tell target and reason of the
// chosen monitor, which may have no room in its row.
//
// Signs and words tell states, with and without colours. Colours are the 16
// basic ones, which each terminal shows in the shades that its owner chose.
// All text that came from the mesh is made printable before it is shown.
package screen
