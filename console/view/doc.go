// Package view is what consoles show: the mesh as it is known at one moment.
//
// A [Mesh] is given saved monitors, heartbeats and results, in whatever
// order they come, and answers a [Query] with a [Snapshot]: plain values that
// nothing changes afterwards. It knows no broker, no terminal and no clock;
// whoever feeds it says what time it is. Live screen, plain table and any
// later reader show the same snapshot, so they say the same.
//
// What it promises:
//
//   - Unknown is never up. Silence, an agent that is offline, lost results and
//     runs that could not measure are Unknown, and are left out of every figure.
//   - A figure that was not measured is absent, not zero.
//   - A result counts at the time it was measured. One that comes late fills
//     its place; it does not become the present.
//   - Memory is bounded: the last [Window] runs of a monitor on an agent, and a
//     few failures with their reasons.
//   - A result costs the same however many monitors there are, and a snapshot
//     makes figures only for the rows that it holds.
package view
