// Package incident decides what belongs together, who is notified of it, and when. It
// is pure: a [Keeper] is given facts and the time, and asked what follows.
//
// All that it knows of an incident is in the incident's message, so that another
// Keeper that is given the stored messages continues where this one was.
package incident
