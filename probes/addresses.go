package probes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Shared are the figures that every kind has beside its own.
type Shared struct {
	Name          string           `json:"name,omitempty" help:"the target's name as it is asked for, in ASCII (RFC 5891), where the target has letters beyond that"`
	Note          string           `json:"note,omitempty" help:"a note for readers of the other figures, such as that the resolver does not answer for one family"`
	Addresses     []AddressFigures `json:"addresses,omitempty" help:"addresses of the target's name that were tried, in order: where one did not work, and with the option addresses: each"`
	AddressesMore int              `json:"addresses_more,omitempty" help:"addresses that do not fit in this list: those tried beyond it, or with addresses: each those that were not measured"`
}

// AddressFigures is what came of one address of a target that has several.
type AddressFigures struct {
	Address     string       `json:"address" help:"the address, without port"`
	Outcome     wire.Outcome `json:"outcome" help:"ok: it answered, failed: it did not, or not as wanted, broken: nothing could be sent there"`
	Failure     wire.Failure `json:"failure,omitempty" help:"why not, in the word that results use"`
	Error       string       `json:"error,omitempty" help:"the same for people"`
	NS          int64        `json:"ns" help:"time spent on it, ns"`
	LatencyNS   *int64       `json:"latency_ns,omitempty" help:"with addresses: each, its latency, ns"`
	CertExpires *time.Time   `json:"cert_expires,omitempty" help:"with addresses: each, the end of its certificates, UTC"`
}

// mostAddresses bounds the addresses of one target that a result lists, and that
// a run with addresses: each measures.
const mostAddresses = 8

// tried notes what came of one of several addresses, on which so much time was
// spent. A second word about the same address replaces the first: the exchange
// says more than the connection that it went over.
func (r *Run) tried(a netip.Addr, took time.Duration, err error) {
	f := AddressFigures{Address: a.String(), NS: int64(took)}
	var text string
	f.Outcome, f.Failure, text = classify(false, err)
	f.Error = figures.Clip(r.Conceal(text))
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.addresses.Addresses)
	switch {
	case n > 0 && r.addresses.Addresses[n-1].Address == f.Address:
		r.addresses.Addresses[n-1] = f
	case n == mostAddresses: // the one that the run ends with is always there
		r.spent += r.lost(n - 1)
		r.addresses.AddressesMore++
		r.addresses.Addresses[n-1] = f
	default:
		r.addresses.Addresses = append(r.addresses.Addresses, f)
	}
}

// triedAny says whether an address was noted.
func (r *Run) triedAny() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.addresses.Addresses) > 0
}

// lost is what was spent on the address of this index in vain.
func (r *Run) lost(i int) time.Duration {
	if f := r.addresses.Addresses[i]; f.Outcome != wire.OK {
		return time.Duration(f.NS)
	}
	return 0
}

// lostOnOthers is the time that went by with addresses that did not work before
// the one that the run ended with.
func (r *Run) lostOnOthers() time.Duration {
	sum := r.spent
	for i := range len(r.addresses.Addresses) - 1 {
		sum += r.lost(i)
	}
	return sum
}

// afterOthers says in a few words which addresses did not work before the one
// that answered, "" for none.
func (r *Run) afterOthers() string {
	all := r.addresses.Addresses
	if len(all) < 2 || silentFor(all[len(all)-1].Failure) {
		return "" // none answered: the error says it
	}
	var words []string
	for i, f := range all[:len(all)-1] {
		if r.lost(i) > 0 || f.Outcome != wire.OK {
			words = append(words, f.inWords())
		}
	}
	switch n := len(words) + r.addresses.AddressesMore; {
	case n == 0:
		return ""
	case n > 2:
		return fmt.Sprintf("after %d addresses did not work, the first: %s", n, words[0])
	default:
		return "after " + strings.Join(words, " and ")
	}
}

// othersToo says in a few words what came of the other addresses where none
// answered, "" for nothing to say: the error is about the one of run.address.
func (r *Run) othersToo() string {
	all := r.addresses.Addresses
	if len(all) < 2 || !silentFor(all[len(all)-1].Failure) {
		return ""
	}
	var words []string
	for _, f := range all {
		if f.Address != r.address && f.Outcome != wire.OK {
			words = append(words, f.inWords())
		}
	}
	switch n := len(words) + r.addresses.AddressesMore; {
	case n == 0:
		return ""
	case n > 2:
		return fmt.Sprintf("; %d other addresses did not work either, the first: %s", n, words[0])
	default:
		return "; " + strings.Join(words, "; ")
	}
}

// inWords says what came of an address that did not work.
func (f AddressFigures) inWords() string {
	switch f.Failure {
	case wire.FailTimeout, wire.FailNoAnswer:
		return f.Address + " did not answer"
	case wire.FailRefused:
		return f.Address + " refused"
	case wire.FailReset:
		return f.Address + " reset the connection"
	case wire.FailUnreachable:
		return f.Address + " was unreachable"
	case wire.BrokenNoRoute:
		return "there was no route to " + f.Address
	}
	return fmt.Sprintf("%s did not work (%s)", f.Address, f.Failure)
}

// with adds the shared figures to a kind's own, which are a JSON object.
func (s Shared) with(details []byte) ([]byte, error) {
	if len(s.Addresses) == 0 && s.Name == "" && s.Note == "" {
		return details, nil
	}
	more, err := json.Marshal(s)
	if err != nil || len(details) == 0 {
		return more, err
	}
	own := bytes.TrimSuffix(details, []byte("}"))
	if len(own) > 1 {
		own = append(own, ',')
	}
	return append(own, more[1:]...), nil
}

// report writes them for people.
func (s Shared) report(w io.Writer) {
	if s.Name != "" {
		fmt.Fprintf(w, "name        %s\n", bothForms(s.Name))
	}
	for _, f := range s.Addresses {
		fmt.Fprintf(w, "address     %s: %s", f.Address, f.Outcome)
		switch {
		case f.LatencyNS != nil:
			fmt.Fprintf(w, ", %s ms", figures.MS(*f.LatencyNS))
		case f.NS > 0:
			fmt.Fprintf(w, ", after %s ms", figures.MS(f.NS))
		}
		if f.Error != "" {
			fmt.Fprintf(w, ": %s", f.Error)
		}
		fmt.Fprintln(w)
	}
	if s.AddressesMore > 0 {
		fmt.Fprintf(w, "and %d more\n", s.AddressesMore)
	}
	if s.Note != "" {
		fmt.Fprintf(w, "note: %s\n", s.Note)
	}
}

// IsNoAnswer says whether err means that the address did not answer at all.
func IsNoAnswer(err error) bool {
	var e *Error
	return errors.As(err, &e) && silentFor(e.Failure)
}

func silentFor(f wire.Failure) bool {
	switch f {
	case wire.FailNoAnswer, wire.FailTimeout, wire.FailRefused, wire.FailUnreachable, wire.BrokenLocal, wire.BrokenNoRoute, wire.BrokenPermission:
		return true
	}
	return false
}
