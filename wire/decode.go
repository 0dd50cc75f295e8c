package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// DecodeResult reads a result that came on subject. It tolerates unknown
// fields and refuses a message that does not belong to its subject.
//
// Consoles read 10,000 of them a second, so the form that agents write is read
// by hand. Anything else, and every mistake, is left to encoding/json, which
// stays the one that says what a result is.
func DecodeResult(subject string, data []byte) (Result, error) {
	if err := tooLong("the result on "+subject, data, MaxOld); err != nil {
		return Result{}, err
	}
	r, err := Result{}, error(nil)
	s := scanner{data: data}
	if !s.usual(subject, &r) {
		r, err = decodeAny(subject, data)
	}
	if len(data) > MaxUsual {
		r.note(r.clip(MaxOldPart)...) // the sender should have
	}
	return r, err
}

// UsualResult says that data is a result that came on subject, as DecodeResult
// reads it, in the form that agents write: fields that are known, each once, in
// one line. Who passes it on can do so as it is.
func UsualResult(subject string, data []byte) bool {
	s := scanner{data: data, look: true}
	return len(data) <= MaxUsual && bytes.IndexByte(data, '\n') < 0 && s.usual(subject, &Result{})
}

func decodeAny(subject string, data []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return Result{}, fmt.Errorf("decode result on %s: %w", subject, err)
	}
	want, err := ResultSubject(r.Agent, r.Monitor)
	if err != nil {
		return Result{}, fmt.Errorf("decode result on %s: %w", subject, err)
	}
	if want != subject {
		return Result{}, fmt.Errorf("decode result on %s: it says it belongs on %s", subject, want)
	}
	return r, nil
}

// usual reads a result as agents write it: known fields, each once, none
// of them null. False says that it is another one, and that r is of no use.
func (s *scanner) usual(subject string, r *Result) bool {
	tokens, ok := strings.CutPrefix(subject, resultsPrefix)
	if !ok {
		return false
	}
	agent, monitor, ok := strings.Cut(tokens, ".")
	if !ok || CheckToken(agent) != nil || CheckToken(monitor) != nil {
		return false
	}
	if !s.sign('{') {
		return false
	}
	seen := uint32(0)
	for first := true; !s.sign('}'); first = false {
		if !first && !s.sign(',') {
			return false
		}
		key, plain, ok := s.text()
		if !ok || !plain || !s.sign(':') {
			return false
		}
		s.space()
		bit, ok := s.field(r, key, agent, monitor)
		if !ok || seen&bit != 0 { // encoding/json mixes what is there twice
			return false
		}
		seen |= bit
	}
	s.space()
	return s.at == len(s.data) && seen&3 == 3 // the subject's tokens are there
}

// field reads the value of one field. bit stands for the field.
func (s *scanner) field(r *Result, key []byte, agent, monitor string) (bit uint32, ok bool) {
	switch string(key) { // no allocation
	case "agent":
		return 1, s.same(&r.Agent, agent)
	case "monitor":
		return 1 << 1, s.same(&r.Monitor, monitor)
	case "kind":
		return 1 << 2, s.string(&r.Kind)
	case "target":
		return 1 << 3, s.string(&r.Target)
	case "epoch":
		return 1 << 4, s.string(&r.Epoch)
	case "seq":
		return 1 << 5, s.natural(&r.Seq)
	case "run":
		return 1 << 6, s.natural(&r.Run)
	case "due":
		return 1 << 7, s.time(&r.Due)
	case "started":
		return 1 << 8, s.time(&r.Started)
	case "elapsed_ns":
		return 1 << 9, s.integer(&r.ElapsedNS)
	case "latency_ns":
		r.LatencyNS = new(int64)
		return 1 << 10, s.integer(r.LatencyNS)
	case "clock":
		return 1 << 11, s.string(&r.Clock)
	case "outcome":
		return 1 << 12, s.string((*string)(&r.Outcome))
	case "failure":
		return 1 << 13, s.string((*string)(&r.Failure))
	case "error":
		return 1 << 14, s.string(&r.Error)
	case "unmet":
		var unmet []Unmet
		ok := s.other(&unmet)
		r.Unmet = unmet
		return 1 << 15, ok
	case "summary":
		return 1 << 16, s.string(&r.Summary)
	case "address":
		return 1 << 17, s.string(&r.Address)
	case "loss":
		r.Loss = new(float64)
		return 1 << 18, s.float(r.Loss)
	case "cert_expires":
		r.CertExpires = new(time.Time)
		return 1 << 19, s.time(r.CertExpires)
	case "skipped":
		return 1 << 20, s.natural(&r.Skipped)
	case "late_ns":
		return 1 << 21, s.integer(&r.LateNS)
	case "dropped":
		return 1 << 22, s.natural(&r.Dropped)
	case "revision":
		return 1 << 23, s.natural(&r.Revision)
	case "details":
		return 1 << 24, s.raw(&r.Details)
	case "covers":
		return 1 << 25, s.natural(&r.Covers)
	case "missed":
		return 1 << 26, s.natural(&r.Missed)
	case "asked":
		return 1 << 27, s.string(&r.Asked)
	}
	return 0, false
}
