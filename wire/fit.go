package wire

import (
	"fmt"
	"strings"
)

// fitRoom is for what a result is given after it was made to fit: its numbers,
// when it was due, how late it is, and what was lost before it.
const fitRoom = 512

// Fit brings a result within its limits before it is sent or kept. Its outcome
// stays; what is left out is named in its error.
func (r *Result) Fit() {
	notes := r.clip(MaxDetails)
	if r.atMost() > MaxResult-2*fitRoom { // the notes come on top
		notes = append(notes, r.shorten(MaxResult-2*fitRoom)...)
	}
	r.note(notes...)
}

// shorten leaves out details, and then expectations, until the result has most bytes.
func (r *Result) shorten(most int) (notes []string) {
	size := r.size()
	if size > most && len(r.Details) > 0 {
		r.Details = nil
		notes = append(notes, fmt.Sprintf("details left out: the result is %d bytes long: want at most %d", size, most))
	}
	told := len(r.Unmet)
	for len(r.Unmet) > 0 && r.size() > most {
		r.Unmet = r.Unmet[: len(r.Unmet)/2 : len(r.Unmet)/2]
	}
	if left := told - len(r.Unmet); left > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d expectations left out: the result is too long", left, told))
	}
	return notes
}

// Strip leaves out of a result all that can be missed, and says why.
func (r *Result) Strip(why string) {
	r.Details, r.Unmet, r.Summary = nil, nil, ""
	r.Error = Clip(r.Error, MaxReason)
	r.note("details, summary and expectations left out: " + Clip(why, MaxReason))
}

// Refit makes an encoded result that came from an older agent's spool fit. It
// may be larger than what readers take.
func Refit(subject string, data []byte, change func(*Result)) ([]byte, error) {
	r, err := decodeAny(subject, data)
	if err != nil {
		return nil, err
	}
	change(&r)
	return r.AppendJSON(nil)
}

// note adds to the error, of which it keeps the beginning.
func (r *Result) note(notes ...string) {
	if len(notes) == 0 {
		return
	}
	text := strings.Join(notes, "; ")
	if r.Error != "" {
		text = Clip(r.Error, MaxText-len(text)-len("; ")) + "; " + text
	}
	r.Error = text
}

// clip bounds each part of a result by itself, and says what it left out.
func (r *Result) clip(details int) (notes []string) {
	if err := checkJSON(r.Details, details); err != nil {
		r.Details = nil
		notes = append(notes, "details left out: "+err.Error())
	}
	r.Error, r.Summary = Clip(r.Error, MaxText), Clip(r.Summary, MaxText)
	r.Target = Clip(r.Target, MaxTarget)
	r.Outcome, r.Failure = Outcome(Clip(string(r.Outcome), MaxToken)), Failure(Clip(string(r.Failure), MaxToken))
	for _, word := range []*string{&r.Kind, &r.Address, &r.Epoch, &r.Clock} {
		*word = Clip(*word, MaxToken)
	}
	if len(r.Unmet) > MaxUnmet {
		r.Unmet = r.Unmet[:MaxUnmet:MaxUnmet]
	}
	for i, u := range r.Unmet {
		const most = 500
		r.Unmet[i] = Unmet{Expect: Clip(u.Expect, most), Want: Clip(u.Want, most), Got: Clip(u.Got, most)}
	}
	return notes
}

// atMost bounds the encoded size without encoding, which ten thousand results a
// second would feel: a character takes six bytes at the worst.
func (r *Result) atMost() int {
	text := len(r.Agent) + len(r.Monitor) + len(r.Kind) + len(r.Target) + len(r.Epoch) + len(r.Clock) + len(r.Outcome) + len(r.Failure) +
		len(r.Error) + len(r.Summary) + len(r.Address)
	for _, u := range r.Unmet {
		text += 10 + len(u.Expect) + len(u.Want) + len(u.Got)
	}
	const names = 1024 // the fields' names and numbers
	return names + 6*text + len(r.Details)
}

// size is that of the encoded result; 0 where it cannot be encoded.
func (r *Result) size() int {
	data, err := r.AppendJSON(nil)
	if err != nil {
		return 0
	}
	return len(data)
}
