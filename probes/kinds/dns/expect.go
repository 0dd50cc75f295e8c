package dns

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

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Expect is what the answer must be like.
type Expect struct {
	Rcode           []string      `json:"rcode,omitempty" help:"response codes that are ok; an empty list takes any"`
	Found           bool          `json:"found" help:"want a record of the type asked for, of the name or of where its CNAME and DNAME records lead; off: the response code alone decides; without effect where rcode takes another code than NOERROR, or answer_count takes 0"`
	Flags           []string      `json:"flags,omitempty" enum:"aa,tc,rd,ra,ad,cd" help:"flags that must be set: aa, tc, rd, ra, ad, cd"`
	NoFlags         []string      `json:"no_flags,omitempty" enum:"aa,tc,rd,ra,ad,cd" help:"flags that must not be set"`
	AnswerCount     Count         `json:"answer_count,omitempty" help:"how many records of the name, and of where its CNAME and DNAME records lead, the answer section has: 2, 1-4, or 1- for one and more"`
	AuthorityCount  Count         `json:"authority_count,omitempty" help:"how many records the authority section has"`
	AdditionalCount Count         `json:"additional_count,omitempty" help:"how many records the additional section has, without OPT"`
	Contains        []string      `json:"contains,omitempty" help:"texts, each of which a record of the answer section contains; names in either case, the strings of a TXT record joined"`
	Answer          string        `json:"answer,omitempty" help:"RE2 expression that one record of the answer section must match, written as name TTL class type data; the data of a TXT record also as its strings joined, without quotes"`
	Records         []string      `json:"records,omitempty" help:"data of all records of the type asked for in the answer section, of the name or of where its CNAME and DNAME records lead, in any order: addresses for A; the text, without quotes, for TXT"`
	MinTTL          wire.Duration `json:"min_ttl,omitempty" help:"least TTL of a record in the answer section that is ok, such as 60s"`
	MaxTTL          wire.Duration `json:"max_ttl,omitempty" help:"greatest TTL of a record in the answer section that is ok"`
	MinSerial       uint32        `json:"min_serial,omitempty" help:"least serial of the zone that is ok, in serial number arithmetic (RFC 1982), of the SOA record in the answer or authority section"`
	RRSIGDaysLeft   int           `json:"rrsig_days_left,omitempty" help:"least whole days until the first signature in the answer and authority sections expires; needs do"`
}

// Count is a number of records that is ok: "2", "1-4" or "1-".
type Count string

// JSONSchema is the form that UnmarshalJSON reads.
func (Count) JSONSchema() map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"type": "integer", "minimum": 0}, map[string]any{"type": "string", "pattern": "^[0-9]+(-[0-9]*)?$"}}}
}

// UnmarshalJSON takes a number, too. What is neither is refused by bounds.
func (c *Count) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(c)) != nil {
		*c = Count(b)
	}
	return nil
}

func (c Count) bounds() (least, most int, err error) {
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

var flagNames = []string{"aa", "tc", "rd", "ra", "ad", "cd"}

func (e Expect) validate(qtype, class uint16) error {
	var problems wire.Problems
	for i, r := range e.Rcode {
		_, err := rcode(r)
		problems.Add(fmt.Sprintf("rcode[%d]", i), err)
	}
	for option, flags := range map[string][]string{"flags": e.Flags, "no_flags": e.NoFlags} {
		for i, f := range flags {
			if !slices.Contains(flagNames, strings.ToLower(f)) {
				problems.Addf(fmt.Sprintf("%s[%d]", option, i), "want one of %s, got %q", strings.Join(flagNames, ", "), f)
			}
		}
	}
	for _, c := range e.counts() {
		if c.want != "" {
			_, _, err := c.want.bounds()
			problems.Add(c.option, err)
		}
	}
	if _, err := probes.CompileRegex(e.Answer); err != nil {
		problems.Addf("answer", "want an RE2 expression, got %q: %w", figures.Clip(e.Answer), err)
	}
	if len(e.Records) > 0 && qtype == dns.TypeANY {
		problems.Addf("records", "needs one type, not ANY: the data of each type is written in its own way")
	} else {
		for i, r := range e.Records {
			_, err := data(qtype, class, r)
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
	want    Count
	section string
}

func (e Expect) counts() []dnsCountOf {
	return []dnsCountOf{{"answer_count", e.AnswerCount, "answer"}, {"authority_count", e.AuthorityCount, "authority"}, {"additional_count", e.AdditionalCount, "additional"}}
}

// wantsFound says whether a record of the type asked for must be there. Where an
// answer without one would do by another option, it would contradict that.
func (e Expect) wantsFound() bool {
	if !e.Found || len(e.Rcode) != 1 || len(e.Records) > 0 { // records says the same, and more
		return false
	}
	if e.AnswerCount != "" {
		if least, _, err := e.AnswerCount.bounds(); err == nil && least == 0 {
			return false
		}
	}
	code, err := rcode(e.Rcode[0])
	return err == nil && code == dns.RcodeSuccess
}

// check compares an answer with what is expected of it. withEDNS says that the
// query carried an OPT record.
func (e Expect) check(run *probes.Run, m *dns.Msg, o *engine.OwnedAnswer, d Details, withEDNS bool) {
	if len(e.Rcode) > 0 {
		ok := slices.ContainsFunc(e.Rcode, func(r string) bool { code, err := rcode(r); return err == nil && code == m.Rcode })
		got := d.Rcode + o.Denied(m)
		for _, x := range d.ExtendedErrors {
			got += ", " + x.String()
		}
		if hint := engine.EDNSHint(withEDNS, m); hint != "" {
			got += hint + "; edns: false asks without"
		}
		run.Expect(ok, "expect.rcode", strings.Join(e.Rcode, " or "), got)
	}
	if e.wantsFound() && m.Rcode == dns.RcodeSuccess && (d.Instead != "" || run.Watched()) {
		run.Expect(d.Instead == "", "expect.found", o.Wanted(), cmp.Or(d.Instead, strconv.Itoa(o.Found)))
	}
	flags := strings.Join(d.Flags, " ")
	for _, f := range e.Flags {
		run.Expect(slices.Contains(d.Flags, strings.ToLower(f)), "expect.flags", f, flags)
	}
	for _, f := range e.NoFlags {
		run.Expect(!slices.Contains(d.Flags, strings.ToLower(f)), "expect.no_flags", "no "+f, flags)
	}
	have := map[string]int{"answer": len(o.Records), "authority": countOf(d.AuthorityCount), "additional": countOf(d.AdditionalCount)}
	for _, c := range e.counts() {
		if c.want == "" {
			continue
		}
		if least, most, err := c.want.bounds(); err == nil {
			n := have[c.section]
			got := strconv.Itoa(n)
			if c.section == "answer" && len(o.Others) > 0 {
				got += ", and " + o.Foreign() + ", which does not count"
			}
			run.Expect(least <= n && n <= most, "expect."+c.option, string(c.want), got)
		}
	}
	e.checkContent(run, o, cmp.Or(d.Instead, "no record"))
	e.checkTimes(run, signaturesIn(m, o), d)
}

// checkContent compares the records. none says that there are none.
func (e Expect) checkContent(run *probes.Run, o *engine.OwnedAnswer, none string) {
	for _, want := range e.Contains {
		ok := slices.ContainsFunc(o.Records, func(rr dns.RR) bool { return recordContains(rr, want) })
		run.Expect(ok, "expect.contains", want, recordTexts(o.Records, none))
	}
	if e.Answer != "" {
		re := regexp.MustCompile(e.Answer)
		ok := slices.ContainsFunc(o.Records, func(rr dns.RR) bool { return slices.ContainsFunc(recordForms(rr), re.MatchString) })
		run.Expect(ok, "expect.answer", e.Answer, recordTexts(o.Records, none))
	}
	if len(e.Records) == 0 {
		return
	}
	var wanted []dns.RR
	for _, s := range e.Records {
		if rr, err := data(o.Question.Qtype, o.Question.Qclass, s); err == nil {
			wanted = append(wanted, rr)
		}
	}
	missing := slices.Clone(wanted)
	var got, extra []string
	for _, rr := range o.Records {
		if !o.Asked(rr) {
			continue // a CNAME on the way, a signature
		}
		got = append(got, dataText(rr))
		same := func(w dns.RR) bool { return sameData(w, rr) }
		if !slices.ContainsFunc(wanted, same) {
			extra = append(extra, dataText(rr))
		}
		missing = slices.DeleteFunc(missing, same)
	}
	met := len(missing) == 0 && len(extra) == 0 && len(got) > 0
	run.Expect(met, "expect.records", strings.Join(e.Records, ", "), cmp.Or(recordsDiffer(got, missing, extra), none))
}

// recordTexts is what came, as far as an unmet expectation has room for it.
// none says that nothing did.
func recordTexts(rrs []dns.RR, none string) string {
	var texts []string
	for _, rr := range rrs[:min(len(rrs), 4)] {
		texts = append(texts, recordText(rr))
	}
	if n := len(rrs) - len(texts); n > 0 {
		texts = append(texts, fmt.Sprintf("%d more", n))
	}
	return cmp.Or(strings.Join(texts, "; "), none)
}

// recordsDiffer says what came instead of the records wanted, "" when none did.
func recordsDiffer(got []string, missing []dns.RR, extra []string) string {
	if len(got) <= 4 {
		return strings.Join(got, ", ")
	}
	text := fmt.Sprintf("%d records", len(got))
	if len(missing) > 0 {
		text += fmt.Sprintf(", without %s", dataText(missing[0]))
	}
	if len(extra) > 0 {
		text += fmt.Sprintf(", with %s", extra[0])
	}
	return text
}

func (e Expect) checkTimes(run *probes.Run, signatures []*dns.RRSIG, d Details) {
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
		problem, days := dnsSignatures(signatures, time.Now())
		run.Expect(problem == "" && days >= e.RRSIGDaysLeft, "expect.rrsig_days_left", fmt.Sprintf("at least %d", e.RRSIGDaysLeft), cmp.Or(problem, strconv.Itoa(days)))
	}
}
