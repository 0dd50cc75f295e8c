package figures

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"netmon/internal/plural"
)

// MS writes nanoseconds as milliseconds, the way ping does.
func MS(ns int64) string { return fmt.Sprintf("%.3f", float64(ns)/1e6) }

// Counted is a number with its word: 1 byte, 2 bytes.
func Counted[N plural.Number](n N, word string) string { return plural.Count(n, word, word+"s") }

// Phase is one phase of a run, for a report.
type Phase struct {
	Name string
	NS   int64 // 0 is left out: it did not happen
}

// Took is one phase.
func Took(name string, ns int64) Phase { return Phase{name, ns} }

// ReportPhases writes a line for each phase that happened.
func ReportPhases(w io.Writer, phases ...Phase) {
	for _, ph := range phases {
		if ph.NS > 0 {
			fmt.Fprintf(w, "%-11s %10.3f ms\n", ph.Name, float64(ph.NS)/1e6)
		}
	}
}

// ReportAge reports an address from the cache, in a line of their format.
func ReportAge(w io.Writer, format string, age *int64) {
	if age != nil {
		fmt.Fprintf(w, format, fmt.Sprintf("address from the cache, %.3g s old", float64(*age)/1e9))
	}
}

// Clip keeps a target's text from filling a result.
func Clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", s[:most], len(s))
}

// RandomBytes returns n random bytes.
func RandomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails (crypto/rand)
	return b
}

// Trues counts the conditions that hold.
func Trues(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// Unhex reads bytes written as hex digits, with spaces or colons between them.
func Unhex(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		return nil, fmt.Errorf("want pairs of hex digits, got %q: %w", Clip(s), err)
	}
	return b, nil
}

// Hex writes the beginning of b in hex.
func Hex(b, secret []byte) string {
	const most = 64
	s := hex.EncodeToString(udpHide(b, secret)[:min(len(b), most)])
	if len(b) > most {
		s += fmt.Sprintf("... (%d bytes)", len(b))
	}
	return s
}

// Show writes bytes for people: as text where they are text, else in hex.
func Show(b, secret []byte) string {
	if len(b) == 0 {
		return "(empty)"
	}
	clean := udpHide(b, secret)
	if utf8.Valid(clean) && bytes.IndexFunc(clean, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' || r == 0x7f }) < 0 {
		return Clip(strconv.Quote(string(clean)))
	}
	return Hex(b, secret)
}

// udpHide puts stars where the secret stands.
func udpHide(b, secret []byte) []byte {
	if len(secret) == 0 {
		return b
	}
	return bytes.ReplaceAll(b, secret, bytes.Repeat([]byte("*"), len(secret)))
}
