// Package hostclock is what this host's kernel knows of its own clock.
package hostclock
