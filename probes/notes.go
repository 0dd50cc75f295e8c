package probes

import (
	"slices"
	"strings"

	"netmon/probes/internal/figures"
)

const mostNotes = 4 // of one run

// note leaves a sentence with the result, once: it is in the summary and
// among the figures.
func (r *Run) note(text string) {
	if text == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if text = figures.Clip(r.Conceal(text)); !slices.Contains(r.notes, text) && len(r.notes) < mostNotes {
		r.notes = append(r.notes, text)
	}
}

// NoteText is all notes.
func (r *Run) NoteText() string { return strings.Join(r.notes, "; ") }

// noted adds the notes to the summary of a result.
func (r *Run) noted(summary string) string {
	switch text := r.NoteText(); {
	case text == "":
		return summary
	case summary == "":
		return text
	default:
		return summary + ", " + text
	}
}
