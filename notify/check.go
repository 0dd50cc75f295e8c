package notify

import (
	"errors"
	"fmt"
	"strings"

	"netmon/wire"
)

// wantWord says what is wrong with a name that a service gave: one word.
func wantWord(s string) error {
	switch {
	case s == "":
		return errors.New("is missing")
	case len(s) > wire.MaxText, Line(s) != s, strings.Contains(s, " "):
		return fmt.Errorf("want one word, got %q", wire.Clip(s, wire.MaxToken))
	}
	return nil
}

// wantSecret says that a reference is missing.
func wantSecret(s Secret) error {
	if s == "" {
		return errors.New("is missing: want a reference, ${env:NAME} or ${file:PATH}")
	}
	return nil
}
