package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
)

// inquiry is one question to one name server, and what came of it.
type inquiry struct {
	server, network string // network is udp or tcp
	question        dns.Question
	id              uint16
	query           *dns.Msg
	at              time.Time
	conn            net.Conn

	answered  bool
	unread    bool   // the answer is none that can be read
	found     bool   // it has records of the type asked for
	rcode     int    // of the answer
	truncated bool   // and the same is to be asked over TCP
	said      string // what came, in a few words
	err       error  // that ended it without answer
}

// decision is that a name has an address, or does not exist: what the answer to
// the other question says changes little.
type decision struct {
	at    time.Time
	grace time.Duration
}

const (
	// otherFamily is how long a lookup continues when one family's addresses are
	// there and the resolver is silent about the other's (RFC 8305 section 3); it
	// is as long as the first answer took, where that is more.
	otherFamily = 50 * time.Millisecond
	// MostInquiries is how many questions of one lookup are listed.
	MostInquiries = 64
	mostTold      = 4 // of what is the same and of what differs, in an error
)

// ask notes a question on its way. It is refused when its time is over already,
// as for a question that package net repeats.
func (w *LookupWatch) ask(conn net.Conn, network string, b []byte) (*inquiry, error) {
	m := new(dns.Msg)
	if m.Unpack(b) != nil || len(m.Question) != 1 {
		return nil, nil
	}
	q := &inquiry{server: conn.RemoteAddr().String(), network: network, question: m.Question[0], id: m.Id, query: m, at: time.Now(), conn: conn}
	w.mu.Lock()
	defer w.mu.Unlock()
	if d, ok := w.decided[strings.ToLower(q.question.Name)]; ok {
		if q.at.After(d.at.Add(d.grace)) {
			return nil, os.ErrDeadlineExceeded
		}
		conn.SetReadDeadline(q.at.Add(d.grace))
	}
	if len(w.inquiries) < MostInquiries {
		w.inquiries = append(w.inquiries, q)
	}
	return q, nil
}

// unreached notes that a server could not be asked.
func (w *LookupWatch) unreached(network, server string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unable = server + ": " + words.Plain(err).Error()
	for _, q := range w.inquiries {
		if network == "tcp" && q.server == server && q.truncated && q.err == nil {
			q.err = err
		}
	}
}

// ended notes that no answer came.
func (w *LookupWatch) ended(q *inquiry, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if q != nil && !q.answered {
		q.err = err
	}
}

// came notes an answer, and gives what else is asked about the name little time
// when it decides.
func (w *LookupWatch) came(q *inquiry, m *dns.Msg, o OwnedAnswer) {
	w.Health.answered()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !m.Truncated {
		for _, rr := range o.Records {
			if ttl := time.Duration(rr.Header().Ttl) * time.Second; !w.found || ttl < w.least {
				w.found, w.least = true, ttl
			}
		}
	}
	q.unread = false
	q.answered, q.rcode, q.found, q.truncated = true, m.Rcode, o.Found > 0, m.Truncated && q.network == "udp"
	q.said = saidOf(m, o)
	if !q.found && m.Rcode != dns.RcodeNameError || q.truncated {
		return
	}
	now := time.Now()
	d := decision{now, max(otherFamily, now.Sub(q.at))}
	if w.decided == nil {
		w.decided = map[string]decision{}
	}
	name := strings.ToLower(q.question.Name)
	if _, ok := w.decided[name]; ok {
		return
	}
	w.decided[name] = d
	for _, other := range w.inquiries {
		if (!other.answered || other.unread) && other.err == nil && strings.EqualFold(other.question.Name, q.question.Name) {
			other.conn.SetReadDeadline(now.Add(d.grace))
		}
	}
}

// unread notes an answer that cannot be read.
func (w *LookupWatch) unread(q *inquiry) {
	w.Health.answered()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !q.answered {
		q.answered, q.unread, q.said = true, true, "an answer that cannot be read"
	}
}

// saidOf is an answer in a few words.
func saidOf(m *dns.Msg, o OwnedAnswer) string {
	switch {
	case m.Truncated:
		return "a truncated answer"
	case m.Rcode != dns.RcodeSuccess:
		text := DNSRcodeName(m.Rcode) + o.Denied(m)
		if opt := m.IsEdns0(); opt != nil {
			for _, option := range opt.Option {
				if e, ok := option.(*dns.EDNS0_EDE); ok {
					return text + " (" + figures.Clip(strings.Trim(dns.ExtendedErrorCodeToString[e.InfoCode]+": "+e.ExtraText, ": \x00")) + ")"
				}
			}
		}
		return text
	case o.Found > 0:
		return figures.Counted(o.Found, "record")
	}
	if len(o.Names) > 1 || len(o.Others) > 0 || referral(m) != "" {
		return o.Instead(m)
	}
	return "no record"
}

// outcome is what came of the inquiry, or did not.
func (q *inquiry) outcome() string {
	if q.truncated && q.err != nil {
		return q.said + ", and over TCP " + endedBy(q.err)
	}
	if q.answered {
		return q.said
	}
	return endedBy(q.err)
}

// endedBy says why no answer came. nil: it may be on its way.
func endedBy(err error) string {
	var timeout interface{ Timeout() bool }
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return words.Plain(err).Error()
}

// last are the last inquiries for each question to each server.
func (w *LookupWatch) last() []*inquiry {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*inquiry
	for _, q := range w.inquiries {
		at := slices.IndexFunc(list, func(l *inquiry) bool {
			return l.server == q.server && l.question.Qtype == q.question.Qtype && strings.EqualFold(l.question.Name, q.question.Name)
		})
		c := *q
		switch {
		case at < 0:
			list = append(list, &c)
		case q.answered || !list[at].answered:
			list[at] = &c
		case list[at].truncated: // asked again over TCP
			list[at].err = cmp.Or(q.err, os.ErrDeadlineExceeded)
		}
	}
	return list
}

// Summary says what came of a lookup: what, to which questions, of which server.
// denied is true when it came that the name does not exist.
func (w *LookupWatch) Summary() (text string, denied bool) {
	type one struct{ outcome, server, name string }
	type group struct{ outcome, server, types string }
	var ones []one
	var groups []group
	types, names := map[one][]string{}, map[group][]string{}
	for _, q := range byType(w.last()) {
		denied = denied || q.answered && q.rcode == dns.RcodeNameError && w.isHost(q.question.Name)
		o := one{q.outcome(), q.server, q.question.Name}
		if types[o] == nil {
			ones = append(ones, o)
		}
		types[o] = append(types[o], DNSTypeName(q.question.Qtype))
	}
	for _, o := range ones { // names of a search list for which the same came
		g := group{o.outcome, o.server, strings.Join(types[o], " and ")}
		if names[g] == nil {
			groups = append(groups, g)
		}
		names[g] = append(names[g], PlainName(o.name))
	}
	var parts []string
	for _, g := range groups[:min(len(groups), mostTold)] {
		part := g.outcome
		if !strings.Contains(part, g.types+" record") { // which says it already
			part += " for " + g.types
		}
		if all := names[g]; len(all) > 1 || !w.isHost(all[0]) {
			part += " of " + strings.Join(all[:min(len(all), mostTold)], ", ")
			if more := len(all) - mostTold; more > 0 {
				part += fmt.Sprintf(" and %d more", more)
			}
		}
		parts = append(parts, part+" (asked "+g.server+")")
	}
	if more := len(groups) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	if len(parts) == 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.unable, false
	}
	return strings.Join(parts, "; "), denied
}

// Heard says whether the resolver answered some of the questions of a lookup, and
// all of them, and whether no answer speaks against that the name has no address:
// one to each question about it says that there is no record.
func (w *LookupWatch) Heard() (some, all, none bool) {
	type about struct {
		name  string
		qtype uint16
	}
	answered, empty := map[about]bool{}, map[about]bool{}
	for _, q := range w.last() {
		a := about{strings.ToLower(q.question.Name), q.question.Qtype}
		whole := q.answered && !q.truncated
		some = some || q.answered
		answered[a] = answered[a] || whole
		empty[a] = empty[a] || !w.isHost(a.name) || whole && !q.unread && !q.found && (q.rcode == dns.RcodeSuccess || q.rcode == dns.RcodeNameError)
	}
	each := func(m map[about]bool) bool {
		for _, ok := range m {
			if !ok {
				return false
			}
		}
		return true
	}
	return some, some && each(answered), each(empty)
}

// isHost says whether a name is the one that is looked up, and not one of a search list.
func (w *LookupWatch) isHost(name string) bool {
	return strings.EqualFold(dns.Fqdn(name), dns.Fqdn(w.host))
}

// byType has the question for A before that for AAAA, for each name, whichever
// went out first.
func byType(list []*inquiry) []*inquiry {
	var names []string
	place := func(q *inquiry) int {
		name := strings.ToLower(q.question.Name)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return slices.Index(names, name)<<16 + int(q.question.Qtype)
	}
	for _, q := range list {
		place(q)
	}
	slices.SortStableFunc(list, func(a, b *inquiry) int { return place(a) - place(b) })
	return list
}

// half says that the addresses of one family came, and nothing about those of
// the other, "" when that is not so.
func (w *LookupWatch) half() string {
	list := w.last()
	for _, q := range slices.Backward(list) { // the server that was asked last
		known := func(o *inquiry) bool {
			return o.answered && !o.unread && (o.rcode == dns.RcodeSuccess || o.rcode == dns.RcodeNameError) && !o.truncated
		}
		same := func(o *inquiry) bool { return strings.EqualFold(o.question.Name, q.question.Name) }
		other := func(o *inquiry) bool { return same(o) && o.found && o.question.Qtype != q.question.Qtype }
		again := func(o *inquiry) bool { return same(o) && known(o) && o.question.Qtype == q.question.Qtype }
		if !known(q) && slices.ContainsFunc(list, other) && !slices.ContainsFunc(list, again) {
			return fmt.Sprintf("resolver %s: %s for %s of %s", q.server, q.outcome(), DNSTypeName(q.question.Qtype), PlainName(q.question.Name))
		}
	}
	return ""
}

// Reset drops what only the error of a lookup reports.
func (w *LookupWatch) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inquiries, w.decided, w.unable = nil, nil, ""
}
