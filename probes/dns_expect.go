package probes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// DNSExpect is what the answer must be like.
type DNSExpect struct {
	Rcode           []string      `json:"rcode,omitempty" help:"response codes that are ok; an empty list takes any"`
	Flags           []string      `json:"flags,omitempty" help:"flags that must be set: aa, tc, rd, ra, ad, cd"`
	NoFlags         []string      `json:"no_flags,omitempty" help:"flags that must not be set"`
	AnswerCount     DNSCount      `json:"answer_count,omitempty" help:"how many records the answer section has: 2, 1-4, or 1- for one and more"`
	AuthorityCount  DNSCount      `json:"authority_count,omitempty" help:"how many records the authority section has"`
	AdditionalCount DNSCount      `json:"additional_count,omitempty" help:"how many records the additional section has, without OPT"`
	Contains        []string      `json:"contains,omitempty" help:"texts, each of which a record of the answer section contains"`
	Answer          string        `json:"answer,omitempty" help:"RE2 expression that one record of the answer section must match, written as name TTL class type data"`
	Records         []string      `json:"records,omitempty" help:"data of all records of the type asked for in the answer section, in any order: addresses for A; the text, without quotes, for TXT"`
	MinTTL          wire.Duration `json:"min_ttl,omitempty" help:"least TTL of a record in the answer section that is ok, such as 60s"`
	MaxTTL          wire.Duration `json:"max_ttl,omitempty" help:"greatest TTL of a record in the answer section that is ok"`
	MinSerial       uint32        `json:"min_serial,omitempty" help:"least serial of the zone that is ok, in serial number arithmetic (RFC 1982), of the SOA record in the answer or authority section"`
	RRSIGDaysLeft   int           `json:"rrsig_days_left,omitempty" help:"least whole days until the first signature in the answer and authority sections expires; needs do"`
}

// DNSCount is a number of records that is ok: "2", "1-4" or "1-".
type DNSCount string

// UnmarshalJSON takes a number, too. What is neither is refused by bounds.
func (c *DNSCount) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(c)) != nil {
		*c = DNSCount(b)
	}
	return nil
}

func (c DNSCount) bounds() (least, most int, err error) {
	lo, hi, isRange := strings.Cut(string(c), "-")
	number := func(s string) int {
		n, perr := strconv.ParseUint(s, 10, 16)
		if perr != nil {
			err = fmt.Errorf("want a number or a range such as 2, 1-4 or 1-, got %q", string(c))
		}
		return int(n)
	}
	least = number(lo)
	switch {
	case !isRange:
		most = least
	case hi == "":
		most = 65535
	default:
		if most = number(hi); least > most {
			err = fmt.Errorf("want a range from less to more, got %q", string(c))
		}
	}
	return least, most, err
}

var dnsFlagNames = []string{"aa", "tc", "rd", "ra", "ad", "cd"}

func (e DNSExpect) validate(qtype, class uint16) error {
	var problems wire.Problems
	for i, r := range e.Rcode {
		_, err := dnsRcode(r)
		problems.Add(fmt.Sprintf("rcode[%d]", i), err)
	}
	for option, flags := range map[string][]string{"flags": e.Flags, "no_flags": e.NoFlags} {
		for i, f := range flags {
			if !slices.Contains(dnsFlagNames, strings.ToLower(f)) {
				problems.Addf(fmt.Sprintf("%s[%d]", option, i), "want one of %s, got %q", strings.Join(dnsFlagNames, ", "), f)
			}
		}
	}
	for _, c := range e.counts() {
		if c.want != "" {
			_, _, err := c.want.bounds()
			problems.Add(c.option, err)
		}
	}
	if _, err := compileRegex(e.Answer); err != nil {
		problems.Addf("answer", "want an RE2 expression, got %q: %w", clip(e.Answer), err)
	}
	if len(e.Records) > 0 && qtype == dns.TypeANY {
		problems.Addf("records", "needs one type, not ANY: the data of each type is written in its own way")
	} else {
		for i, r := range e.Records {
			_, err := dnsData(qtype, class, r)
			problems.Add(fmt.Sprintf("records[%d]", i), err)
		}
	}
	if e.MinTTL < 0 {
		problems.Addf("min_ttl", "want a positive duration, got %q", e.MinTTL)
	}
	if e.MaxTTL < 0 || e.MaxTTL != 0 && e.MaxTTL < e.MinTTL {
		problems.Addf("max_ttl", "want at least min_ttl, got %q", e.MaxTTL)
	}
	if e.RRSIGDaysLeft < 0 {
		problems.Addf("rrsig_days_left", "want 1 and more, got %d", e.RRSIGDaysLeft)
	}
	return problems.Err()
}

type dnsCountOf struct {
	option  string
	want    DNSCount
	section string
}

func (e DNSExpect) counts() []dnsCountOf {
	return []dnsCountOf{{"answer_count", e.AnswerCount, "answer"}, {"authority_count", e.AuthorityCount, "authority"}, {"additional_count", e.AdditionalCount, "additional"}}
}

// check compares an answer with what is expected of it.
func (e DNSExpect) check(run *Run, m *dns.Msg, d DNSDetails) {
	if len(e.Rcode) > 0 {
		ok := slices.ContainsFunc(e.Rcode, func(r string) bool { code, err := dnsRcode(r); return err == nil && code == m.Rcode })
		got := d.Rcode
		for _, x := range d.ExtendedErrors {
			got += ", " + x.String()
		}
		run.Expect(ok, "expect.rcode", strings.Join(e.Rcode, " or "), got)
	}
	flags := strings.Join(d.Flags, " ")
	for _, f := range e.Flags {
		run.Expect(slices.Contains(d.Flags, strings.ToLower(f)), "expect.flags", f, flags)
	}
	for _, f := range e.NoFlags {
		run.Expect(!slices.Contains(d.Flags, strings.ToLower(f)), "expect.no_flags", "no "+f, flags)
	}
	have := map[string]int{"answer": countOf(d.AnswerCount), "authority": countOf(d.AuthorityCount), "additional": countOf(d.AdditionalCount)}
	for _, c := range e.counts() {
		if least, most, err := c.want.bounds(); c.want != "" && err == nil {
			n := have[c.section]
			run.Expect(least <= n && n <= most, "expect."+c.option, string(c.want), strconv.Itoa(n))
		}
	}
	e.checkContent(run, m)
	e.checkTimes(run, m, d)
}

func (e DNSExpect) checkContent(run *Run, m *dns.Msg) {
	some := func(matches func(string) bool) bool {
		return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return matches(recordText(rr)) })
	}
	for _, want := range e.Contains {
		run.Expect(some(func(s string) bool { return strings.Contains(s, want) }), "expect.contains", want, recordTexts(m.Answer))
	}
	if e.Answer != "" {
		run.Expect(some(regexp.MustCompile(e.Answer).MatchString), "expect.answer", e.Answer, recordTexts(m.Answer))
	}
	if len(e.Records) == 0 {
		return
	}
	q := m.Question
	if len(q) == 0 {
		run.Expect(false, "expect.records", strings.Join(e.Records, ", "), "no record")
		return
	}
	var wanted []dns.RR
	for _, s := range e.Records {
		if rr, err := dnsData(q[0].Qtype, q[0].Qclass, s); err == nil {
			wanted = append(wanted, rr)
		}
	}
	missing := slices.Clone(wanted)
	var got, extra []string
	for _, rr := range m.Answer {
		if rr.Header().Rrtype != q[0].Qtype {
			continue // a CNAME on the way, a signature
		}
		got = append(got, dnsDataText(rr))
		same := func(w dns.RR) bool { return sameData(w, rr) }
		if !slices.ContainsFunc(wanted, same) {
			extra = append(extra, dnsDataText(rr))
		}
		missing = slices.DeleteFunc(missing, same)
	}
	run.Expect(len(missing) == 0 && len(extra) == 0, "expect.records", strings.Join(e.Records, ", "), recordsDiffer(got, missing, extra))
}

// recordTexts is what came, as far as an unmet expectation has room for it.
func recordTexts(rrs []dns.RR) string {
	var texts []string
	for _, rr := range rrs[:min(len(rrs), 4)] {
		texts = append(texts, recordText(rr))
	}
	if n := len(rrs) - len(texts); n > 0 {
		texts = append(texts, fmt.Sprintf("%d more", n))
	}
	return cmp.Or(strings.Join(texts, "; "), "no record")
}

// recordsDiffer says what came instead of the records wanted.
func recordsDiffer(got []string, missing []dns.RR, extra []string) string {
	if len(got) == 0 {
		return "no record"
	}
	if len(got) <= 4 {
		return strings.Join(got, ", ")
	}
	text := fmt.Sprintf("%d records", len(got))
	if len(missing) > 0 {
		text += fmt.Sprintf(", without %s", dnsDataText(missing[0]))
	}
	if len(extra) > 0 {
		text += fmt.Sprintf(", with %s", extra[0])
	}
	return text
}

func (e DNSExpect) checkTimes(run *Run, m *dns.Msg, d DNSDetails) {
	seconds := func(s uint32) time.Duration { return time.Duration(s) * time.Second }
	if e.MinTTL > 0 || e.MaxTTL > 0 {
		least, most := "no record", "no record"
		if d.MinTTL != nil {
			least, most = seconds(*d.MinTTL).String(), seconds(*d.MaxTTL).String()
		}
		if e.MinTTL > 0 {
			run.Expect(d.MinTTL != nil && seconds(*d.MinTTL) >= e.MinTTL.Std(), "expect.min_ttl", "at least "+e.MinTTL.String(), least)
		}
		if e.MaxTTL > 0 {
			run.Expect(d.MaxTTL != nil && seconds(*d.MaxTTL) <= e.MaxTTL.Std(), "expect.max_ttl", "at most "+e.MaxTTL.String(), most)
		}
	}
	if e.MinSerial != 0 {
		got := "no SOA record"
		if d.Serial != nil {
			got = strconv.FormatUint(uint64(*d.Serial), 10)
		}
		// At least: the distance forward from what is wanted is less than half the circle.
		run.Expect(d.Serial != nil && int32(*d.Serial-e.MinSerial) >= 0, "expect.min_serial", fmt.Sprintf("at least %d", e.MinSerial), got)
	}
	if e.RRSIGDaysLeft != 0 {
		problem, days := dnsSignatures(m, time.Now())
		run.Expect(problem == "" && days >= e.RRSIGDaysLeft, "expect.rrsig_days_left", fmt.Sprintf("at least %d", e.RRSIGDaysLeft), cmp.Or(problem, strconv.Itoa(days)))
	}
}
