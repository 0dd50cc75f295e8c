// Package incident decides what belongs together, who is told of it, and when. It is
// pure: a [Keeper] is told facts and the time, and asked what follows.
//
// All that it knows of an incident is in the incident's message, so that another Keeper
// that is given the stored messages goes on where this one was.
package incident
