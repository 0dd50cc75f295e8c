// Package timetext reads and writes times for people: every flag that takes a time reads
// the same forms, all that netmon itself prints among them, and all lists write one.
//
// The zone of a time is always there: a table has it in its head, a sentence behind the
// time. Where many times follow, in the lines of results, in evidence and on the live
// screen, the first line names it for all of them; below a prompt, the last one does.
package timetext
