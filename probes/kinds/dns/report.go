package dns

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
)

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Latency: time.Duration(d.RTTNS), Clock: d.Clock, Expires: d.TLS.Expires, Summary: d.summary()}
	if d.Sent > 0 {
		h.Loss = new(float64(d.Sent-d.answered()) / float64(d.Sent))
	}
	return h
}

// answered is how many of the datagrams were answered: the run ends with the first.
func (d Details) answered() int {
	if d.Rcode != "" || d.Truncated {
		return 1
	}
	return 0
}

func (d Details) summary() string {
	if d.Rcode == "" {
		return ""
	}
	n := countOf(d.AnswerCount) - d.OtherCount
	s := fmt.Sprintf("%s, %s", d.Rcode, cmp.Or(d.Instead, figures.Counted(n, "answer")))
	if d.OtherCount > 0 && d.Instead == "" {
		s += fmt.Sprintf(", %d of other names", d.OtherCount)
	}
	if d.ReverseOf != "" {
		name, _, _ := strings.Cut(d.Question, " ")
		s += ", asked for " + engine.PlainName(name)
	}
	if len(d.ExtendedErrors) > 0 {
		s += fmt.Sprintf(", EDE %d", d.ExtendedErrors[0].Code)
	}
	if d.Truncated {
		s += ", truncated over UDP"
	}
	if d.NSID != "" {
		s += ", by " + d.NSID
	}
	return s
}

// Report implements Details, in the manner of dig.
func (d Details) Report(w io.Writer) {
	if d.Truncated && d.Transport == dnsTCP {
		fmt.Fprintf(w, ";; Truncated over UDP, retried in TCP mode.\n")
	}
	if d.Rcode != "" {
		opt := 0
		if d.EDNSVersion != nil {
			opt = 1
		}
		fmt.Fprintf(w, ";; status: %s\n;; flags: %s; QUERY: 1, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n", d.Rcode,
			strings.Join(append([]string{"qr"}, d.Flags...), " "), countOf(d.AnswerCount), countOf(d.AuthorityCount), countOf(d.AdditionalCount)+opt)
		d.reportEDNS(w)
	}
	name, rest, _ := strings.Cut(d.Question, " ")
	class, qtype, _ := strings.Cut(rest, " ")
	if d.Rcode != "" || d.Truncated {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, ";; QUESTION SECTION:\n;%-30s %-7s %-7s %s\n", name, "", class, qtype)
	if d.ReverseOf != "" {
		fmt.Fprintf(w, ";; the name of %s is asked for\n", d.ReverseOf)
	}
	reportRecords(w, "ANSWER", d.Answer, d.AnswerCount)
	reportRecords(w, "AUTHORITY", d.Authority, d.AuthorityCount)
	reportRecords(w, "ADDITIONAL", d.Additional, d.AdditionalCount)
	if d.Instead != "" {
		fmt.Fprintf(w, "\n;; INSTEAD OF AN ANSWER: %s\n", d.Instead)
	}
	if d.OtherCount > 0 {
		fmt.Fprintf(w, "\n;; OF OTHER NAMES, no answers: %d\n", d.OtherCount)
	}
	fmt.Fprintln(w)
	if d.TLS.Version != "" {
		d.TLS.Report(w)
		fmt.Fprintln(w)
	}
	if d.HTTPStatus != 0 {
		fmt.Fprintf(w, ";; %s %d\n", d.HTTPVersion, d.HTTPStatus)
	}
	figures.ReportAge(w, ";; SERVER: %s\n", d.ResolveAgeNS)
	for _, ph := range []figures.Phase{figures.Took("Lookup of the server", d.ResolveNS), figures.Took("UDP query", d.UDPRTTNS), figures.Took("TCP connect", d.ConnectNS), figures.Took("TLS handshake", d.TLSNS)} {
		if ph.NS > 0 {
			fmt.Fprintf(w, ";; %s time: %s msec\n", ph.Name, figures.MS(ph.NS))
		}
	}
	if d.RTTNS > 0 {
		fmt.Fprintf(w, ";; Query time: %s msec (%s clock)\n", figures.MS(d.RTTNS), d.Clock)
	}
	if d.Server != "" {
		fmt.Fprintf(w, ";; SERVER: %s (%s)\n", d.Server, strings.ToUpper(d.Transport))
	}
	if d.Sent > 1 {
		fmt.Fprintf(w, ";; DATAGRAMS: %d sent\n", d.Sent)
	}
	if d.Strays > 0 {
		fmt.Fprintf(w, ";; STRAYS: %d, no answers to our query\n", d.Strays)
	}
	if d.RRSIGExpires != nil {
		fmt.Fprintf(w, ";; SIGNATURES: the first expires %s\n", d.RRSIGExpires.Format(time.DateTime))
	}
	if d.Size > 0 {
		fmt.Fprintf(w, ";; MSG SIZE  rcvd: %d\n", d.Size)
	}
}

func (d Details) reportEDNS(w io.Writer) {
	if d.EDNSVersion == nil {
		return
	}
	do := ""
	if d.EDNSDO {
		do = " do"
	}
	fmt.Fprintf(w, "\n;; OPT PSEUDOSECTION:\n; EDNS: version: %d, flags:%s; udp: %d\n", *d.EDNSVersion, do, d.EDNSUDPSize)
	if d.NSID != "" {
		fmt.Fprintf(w, "; NSID: %s\n", d.NSID)
	}
	if d.SubnetScope != nil {
		fmt.Fprintf(w, "; CLIENT-SUBNET: %s/%d\n", d.Subnet, *d.SubnetScope)
	}
	for _, e := range d.ExtendedErrors {
		fmt.Fprintf(w, "; EDE: %s\n", strings.TrimPrefix(e.String(), "EDE "))
	}
}

// reportRecords writes a section, its columns one below the other.
func reportRecords(w io.Writer, section string, records []string, count *int) {
	if countOf(count) == 0 {
		return
	}
	fmt.Fprintf(w, "\n;; %s SECTION:\n", section)
	for _, r := range records {
		if f := strings.SplitN(r, " ", 5); len(f) == 5 {
			fmt.Fprintf(w, "%-31s %-7s %-7s %-7s %s\n", f[0], f[1], f[2], f[3], f[4])
		} else {
			fmt.Fprintln(w, r)
		}
	}
	if more := *count - len(records); more > 0 {
		fmt.Fprintf(w, ";; and %d more\n", more)
	}
}

// countOf is 0 for a count that is not there.
func countOf(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}
