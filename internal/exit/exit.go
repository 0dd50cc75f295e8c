// Package exit says with which code a command ends. An error may choose its own code,
// wherever it comes from; all others end with No.
package exit

import "fmt"

// Exit codes, the same for every command but check, whose codes are those of Nagios.
const (
	OK          = 0
	No          = 1 // the answer is no: a probe failed, an agent refused
	WrongUse    = 2 // wrong use, or an invalid file
	Unreachable = 3 // no broker
	TimedOut    = 4 // waited too long
	Interrupted = 130
)

// Error ends the program with Code; a nil Err has already been reported.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Usage is the error of something that was used wrongly: a flag, an argument, a file.
func Usage(format string, args ...any) error {
	return With(WrongUse, fmt.Errorf(format, args...))
}

// With ends the program with a code; err may be nil.
func With(code int, err error) error { return &Error{Code: code, Err: err} }
