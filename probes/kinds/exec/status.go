package exec

import (
	"cmp"
	"strings"
)

// What a program reports by its exit code (Monitoring Plugins Development Guidelines,
// "Plugin Return Codes").
const (
	statusOK       = "ok"
	statusWarning  = "warning"
	statusCritical = "critical"
	statusUnknown  = "unknown"
)

// statuses are the words of the exit codes 0 to 3.
var statuses = [...]string{statusOK, statusWarning, statusCritical, statusUnknown}

// statusOf is the word for an exit code, "" for one that is no verdict.
func statusOf(code int) string {
	if code < 0 || code >= len(statuses) {
		return ""
	}
	return statuses[code]
}

// cureOf says what an exit code that is no verdict mostly means (POSIX, 2.8.2 Exit
// Status for Commands).
func cureOf(code int) string {
	switch {
	case code == 126:
		return ": something that it starts may not be executed"
	case code == 127:
		return ": something that it starts is not installed"
	case code > 128 && code < 160:
		return ": something that it started was killed by a signal"
	}
	return ""
}

// worded is a status as plugins write it, and what they say of it.
func worded(status, message string) string {
	word := strings.ToUpper(status)
	if message == "" {
		return word + ", without a text"
	}
	if strings.Contains(strings.ToUpper(message), word) {
		return message
	}
	return word + ": " + message
}

// textOf is the message of a program, or what it wrote to its error output.
func (d *Details) textOf() string { return cmp.Or(d.Message, d.Stderr) }
