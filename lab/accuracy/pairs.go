package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pairs are the figures that are compared.
func (l *lab) pairs() []pair {
	web := func(port string) string { return "http://localhost:" + port + "/" }
	webs := func(port string) string { return "https://localhost:" + port + "/" }
	curl := func(url string, w string, more ...string) []string {
		return slices.Concat([]string{"curl", "-s", "-4", "-o", "/dev/null", "-w", w + " %{http_code} %{size_download}"}, more, []string{url})
	}
	ca := l.path("cert.pem")
	first := seconds(`^(\S+) (.*)$`, time.Second)
	page := func(time string) func(map[string]any) (figure, error) {
		return func(d map[string]any) (figure, error) {
			f, err := number(d, time)
			f.answer = fmt.Sprintf("%v %v", d["status"], d["body_bytes"])
			return f, err
		}
	}
	tls := fmt.Sprintf(`{"family":"4","tls":{"ca":"${file:%s}"}}`, ca)
	query := func(what, port string) pair {
		return pair{what, []string{"dig", "-u", "-p", port, "@127.0.0.1", "www.lab.test", "A", "+nocookie", "+norecurse"}, dig,
			[3]string{"dns", "www.lab.test@127.0.0.1:" + port, `{"recursion":false}`}, func(d map[string]any) (figure, error) {
				f, err := number(d, "rtt_ns")
				f.answer = fmt.Sprintf("%v, %v records", d["rcode"], d["answer_count"])
				return f, err
			}}
	}
	return []pair{
		{"http, near: total", curl(web(l.http), "%{time_total}"), first, [3]string{"http", web(l.http), `{"family":"4"}`}, page("total_ns")},
		{"http, 50 ms away: total", curl(web(l.farHTTP), "%{time_total}"), first, [3]string{"http", web(l.farHTTP), `{"family":"4"}`}, page("total_ns")},
		{"https, near: total", curl(webs(l.https), "%{time_total}", "--cacert", ca, "--http2"), first, [3]string{"https", webs(l.https), tls}, page("total_ns")},
		{"https, 50 ms away: total", curl(webs(l.farHTTPS), "%{time_total}", "--cacert", ca, "--http2"), first, [3]string{"https", webs(l.farHTTPS), tls}, page("total_ns")},
		{"https, 50 ms away: TLS", curl(webs(l.farHTTPS), "%{time_connect} %{time_appconnect}", "--cacert", ca), difference, [3]string{"https", webs(l.farHTTPS), tls}, page("tls_ns")},
		{"tcp, near: connect", curl(web(l.http), "%{time_connect} %{time_namelookup}"), connectOnly, [3]string{"tcp", "127.0.0.1:" + l.http},
			func(d map[string]any) (figure, error) { return number(d, "connect_user_ns") }},
		query("dns, near: query", l.dns),
		query("dns, 50 ms away: query", l.farDNS),
		{"icmp: least round trip", []string{"fping", "-q", "-c", "20", "-p", "10", "127.0.0.1"}, ms(`min/avg/max = ([0-9.]+)/`), [3]string{"icmp", "127.0.0.1", `{"count":20,"interval":"10ms"}`},
			func(d map[string]any) (figure, error) { return number(d, "rtt_min_ns") }},
		{"icmp: mean round trip", []string{"ping", "-q", "-c", "20", "-i", "0.01", "127.0.0.1"}, ms(`mdev = [0-9.]+/([0-9.]+)/`), [3]string{"icmp", "127.0.0.1", `{"count":20,"interval":"10ms"}`},
			func(d map[string]any) (figure, error) { return number(d, "rtt_avg_ns") }},
		{"ntp: offset", []string{"chronyd", "-Q", "-t", "3", "server 127.0.0.1 port " + l.ntp + " iburst maxsamples 1"}, seconds(`wrong by (-?[0-9.]+) seconds()`, time.Second), [3]string{"ntp", "127.0.0.1:" + l.ntp},
			func(d map[string]any) (figure, error) { return number(d, "offset_ns") }},
	}
}

// number takes a figure in ns from the details of a result.
func number(details map[string]any, name string) (figure, error) {
	v, ok := details[name].(float64)
	if !ok {
		return figure{}, fmt.Errorf("no figure %s", name)
	}
	return figure{took: time.Duration(v)}, nil
}

var errShape = errors.New("not the expected output")

// seconds reads a time, and what else must be the same, by the groups of re.
func seconds(re string, unit time.Duration) func(string) (figure, error) {
	r := regexp.MustCompile(re)
	return func(out string) (figure, error) {
		m := r.FindStringSubmatch(strings.TrimSpace(out))
		if m == nil {
			return figure{}, errShape
		}
		v, err := strconv.ParseFloat(m[1], 64)
		f := figure{took: time.Duration(v * float64(unit))}
		if len(m) > 2 {
			f.answer = m[2]
		}
		return f, err
	}
}

func ms(re string) func(string) (figure, error) { return seconds(re, time.Millisecond) }

// dig reads its time in µs, and what it got.
func dig(out string) (figure, error) {
	f, err := seconds(`Query time: (\d+) usec`, time.Microsecond)(out)
	m := regexp.MustCompile(`status: (\w+),(?s:.*?)ANSWER: (\d+)`).FindStringSubmatch(out)
	if err != nil || m == nil {
		return f, errors.Join(err, errShape)
	}
	f.answer = m[1] + ", " + m[2] + " records"
	return f, nil
}

// difference reads two times since the start and takes what is between them.
func difference(out string) (figure, error) {
	var from, to float64
	var f figure
	fields := strings.SplitN(strings.TrimSpace(out), " ", 3)
	if len(fields) != 3 {
		return f, errShape
	}
	var err1, err2 error
	from, err1 = strconv.ParseFloat(fields[0], 64)
	to, err2 = strconv.ParseFloat(fields[1], 64)
	f.took, f.answer = time.Duration((to-from)*float64(time.Second)), fields[2]
	return f, errors.Join(err1, err2)
}

// connectOnly is the other way round: connect comes first, lookup second.
func connectOnly(out string) (figure, error) {
	f, err := difference(out)
	return figure{took: -f.took}, err
}
