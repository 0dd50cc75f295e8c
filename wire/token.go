package wire

import (
	"fmt"
	"strings"
)

// MaxToken is the longest agent id or monitor name, in bytes.
const MaxToken = 64

// CheckToken reports why s cannot be an agent id or a monitor name.
// A token is 1 to 64 of A-Z, a-z, 0-9, "_" and "-", and does not begin with
// "-": one element of a NATS subject, a file name, a key, and an argument that
// no command takes for a flag, at the same time.
func CheckToken(s string) error {
	if err := CheckElement(s); err != nil {
		return err
	}
	if s[0] == '-' {
		return fmt.Errorf("%q begins with -, as flags do: want one of A-Z a-z 0-9 _ first", s)
	}
	return nil
}

// CheckElement reports why s cannot be one element of a subject: a token, or
// what is one but for a "-" before it. Names could begin so once, and what was
// kept under one must be reported and deleted.
func CheckElement(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("is empty: want 1 to %d of A-Z a-z 0-9 _ -", MaxToken)
	case len(s) > MaxToken:
		return fmt.Errorf("%q is %d bytes long: want at most %d", s[:MaxToken]+"...", len(s), MaxToken)
	}
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return fmt.Errorf("%q has a character that is not one of A-Z a-z 0-9 _ -", s)
		}
	}
	return nil
}

// MakeToken turns any text, such as a host's name, into a legal token.
// Runs of other characters become one "-", and none is first. Text with nothing to
// keep becomes "agent".
func MakeToken(s string) string {
	var b strings.Builder
	gap := false
	for i := range len(s) {
		if !tokenByte(s[i]) || b.Len() == 0 && s[i] == '-' {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteByte(s[i])
	}
	t := b.String()
	if len(t) > MaxToken {
		t = t[:MaxToken]
	}
	if t == "" {
		return "agent"
	}
	return t
}

func tokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
