package wire

import (
	"encoding/json"
	"testing"
	"time"
)

func TestAsWritten(t *testing.T) {
	var p Problems
	p.Addf("every", "want %v to %v, got %q", Duration(time.Second), Duration(24*time.Hour), Duration(25*time.Hour))
	p.Addf("name", "is missing")
	for text, want := range map[string]string{
		"25h":         `want 1s to 1d, got "25h"`,
		"90000s":      `want 1s to 1d, got "90000s"`,
		"1d":          `want 1s to 1d, got "1d1h"`, // another value
		"soon":        `want 1s to 1d, got "1d1h"`,
		"":            `want 1s to 1d, got "1d1h"`,
		"24h60m":      `want 1s to 1d, got "24h60m"`,
		"25.000h":     `want 1s to 1d, got "25.000h"`,
		"1500m":       `want 1s to 1d, got "1500m"`,
		"+1500m":      `want 1s to 1d, got "+1500m"`,
		"-1500m":      `want 1s to 1d, got "1d1h"`,
		"1500m, or 1": `want 1s to 1d, got "1d1h"`,
	} {
		if got := AsWritten(FieldErrors(p.Err())[0].Err, text).Error(); got != want {
			t.Errorf("AsWritten(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestAsWrittenIn(t *testing.T) {
	var p Problems
	for _, at := range []string{"wait", "send[1].wait", "send[7].wait", "a.b", "options"} {
		p.Addf(at, "got %q", Duration(90*time.Minute))
	}
	got := AsWrittenIn(p.Err(), json.RawMessage(`{"wait":"90m","send":[{},{"wait":"5400s"}],"a":5}`)).Error()
	want := "wait: got \"90m\"\nsend[1].wait: got \"5400s\"\nsend[7].wait: got \"1h30m\"\na.b: got \"1h30m\"\noptions: got \"1h30m\""
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if AsWrittenIn(nil, nil) != nil {
		t.Error("a mistake where there is none")
	}
}
