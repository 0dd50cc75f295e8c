package push

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"netmon/export"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// parseLine reads one point as InfluxDB does: keys and values up to a sign that is not
// escaped, and texts in quotes.
func parseLine(line string) (tags, fields map[string]string, at string, err error) {
	tags, fields = map[string]string{}, map[string]string{}
	rest := line
	until := func(signs string) (string, byte) {
		var out strings.Builder
		for i := 0; i < len(rest); i++ {
			c := rest[i]
			switch {
			case c == '\\' && i+1 < len(rest) && strings.IndexByte(`,= `, rest[i+1]) >= 0:
				i++
				out.WriteByte(rest[i])
				continue
			case strings.IndexByte(signs, c) >= 0:
				rest = rest[i+1:]
				return out.String(), c
			}
			out.WriteByte(c)
		}
		rest = ""
		return out.String(), 0
	}
	_, sign := until(", ")
	for sign == ',' {
		var name string
		if name, sign = until("="); sign != '=' {
			return nil, nil, "", fmt.Errorf("no value of tag %q", name)
		}
		if tags[name], sign = until(", "); tags[name] == "" {
			return nil, nil, "", fmt.Errorf("tag %q is empty", name)
		}
	}
	for sign = ','; sign == ','; {
		var name string
		if name, sign = until("="); sign != '=' || name == "" {
			return nil, nil, "", fmt.Errorf("no value of field %q", name)
		}
		if !strings.HasPrefix(rest, `"`) {
			fields[name], sign = until(", ")
			continue
		}
		var text strings.Builder
		i := 1
		for ; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			text.WriteByte(rest[i])
		}
		if i+1 >= len(rest) {
			return nil, nil, "", errors.New("a text does not end")
		}
		fields[name], sign, rest = text.String(), rest[i+1], rest[i+2:]
	}
	if strings.Trim(rest, "-0123456789") != "" || rest == "" {
		return nil, nil, "", fmt.Errorf("time %q", rest)
	}
	return tags, fields, rest, nil
}

// FuzzLine: whatever tags and texts there are, a line is one point with these tags.
func FuzzLine(f *testing.F) {
	f.Add("team", "shop")
	f.Add("a b", `c\`)
	f.Add("x", "a,b=c d\n\"e\"\\")
	f.Add("", "\x00\xff\t")
	f.Fuzz(func(t *testing.T, key, value string) {
		labels := export.LabelsOf("paris", "web", "tcp", value, map[string]string{key: value})
		line := string(lineHead(labels)) + " " + string(newLineField(&export.Sample{Name: "probe_tls_version_info", Label: "version", Value: value}).head) +
			"," + string(newLineField(&export.Sample{Name: "probe_seconds", Label: "phase", Value: value}).head) + "1 5"
		if strings.ContainsAny(line, "\n\r\x00") {
			t.Fatalf("%q", line)
		}
		tags, fields, at, err := parseLine(line)
		if err != nil || at != "5" || tags["monitor"] != "web" || tags["agent"] != "paris" || len(tags) > len(labels) || len(fields) != 2 {
			t.Fatalf("%q: %v %v %q %v", line, tags, fields, at, err)
		}
		if plain := !strings.ContainsAny(value, "\n\r\t\x00\\") && value != "" && strings.ToValidUTF8(value, "") == value; plain && tags["instance"] != value {
			t.Errorf("%q: instance %q, want %q", line, tags["instance"], value)
		}
	})
}

func TestInflux_Lines(t *testing.T) {
	results := golden(t)
	l := newLineEncoder(kinds.All(), tagsOf("dns", map[string]string{"team": "my shop"}))
	reader := export.NewReader(kinds.All())
	text := string(l.encode(&Batch{Results: results, Verdicts: []Verdict{changeOf("web", wire.VerdictDown)}}))
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != len(results)+1 {
		t.Fatalf("%d lines of %d results and a verdict", len(lines), len(results))
	}
	for i, r := range results {
		tags, fields, at, err := parseLine(lines[i])
		if err != nil || at != fmt.Sprint(r.Started.UnixNano()) || tags["monitor"] != r.Monitor || tags["instance"] != r.Target {
			t.Errorf("%s: %v %v", lines[i], tags, err)
		}
		if want := len(reader.Samples(nil, &r.Result)) - 1; len(fields) != want {
			t.Errorf("%s: %d fields, want %d", lines[i], len(fields), want)
		}
	}
	_, fields, at, err := parseLine(lines[len(results)])
	if err != nil || fields["state"] != "down" || fields["down"] != "1" || fields["up"] != "0" || at != fmt.Sprint(verdictAt.UnixNano()) {
		t.Errorf("%s: %v %v", lines[len(results)], fields, err)
	}
}

// TestInflux_Real: InfluxDB reads back what hostile texts were sent.
func TestInflux_Real(t *testing.T) {
	need.Time(t)
	_, base := realInflux(t)
	nasty := []string{"a b", `a,b=c`, `"quoted"`, "line\nbreak", "é ✓", `in\side`, `end\`, "=", " "}
	of := map[string]string{}
	for i, text := range nasty {
		of[fmt.Sprintf("t %d", i)] = text
	}
	tags := tagsOf("web", of)
	d, err := Influx(Endpoint{URL: base + "/write?db=netmon"}, kinds.All(), tags)
	if err != nil {
		t.Fatal(err)
	}
	r := numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: `https://h/?a=b&c=d e,f`, Started: time.Now(), Outcome: wire.OK}, 1)
	if err := d.Sink.Send(t.Context(), &Batch{Results: []*Result{r}, Verdicts: []Verdict{changeOf("web", wire.VerdictDown)}}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Results []struct {
			Series []struct {
				Columns []string
				Values  [][]any
			}
		}
	}
	getJSON(t, base+"/query?db=netmon&q="+url.QueryEscape("SELECT * FROM netmon_result"), &got)
	row := map[string]any{}
	for i, name := range got.Results[0].Series[0].Columns {
		row[name] = got.Results[0].Series[0].Values[0][i]
	}
	if row["instance"] != r.Target || row["probe_success"] != 1.0 {
		t.Errorf("%v", row)
	}
	for i, text := range nasty {
		want := strings.ReplaceAll(text, "\n", " ")
		if strings.HasSuffix(want, `\`) {
			want += " "
		}
		if row[fmt.Sprintf("tag_t_%d", i)] != want {
			t.Errorf("tag %q is %q", text, row[fmt.Sprintf("tag_t_%d", i)])
		}
	}
	// A field of another type makes it refuse one point and take the others.
	resp, err := http.Post(base+"/write?db=netmon", "text/plain", strings.NewReader(fmt.Sprintf("netmon_result,agent=x probe_loss_ratio=\"text\" %d\n", r.Started.UnixNano())))
	if err != nil || resp.StatusCode != 204 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	loss := 0.5
	bad, good := *r, *r
	bad.Loss, good.Monitor = &loss, "db"
	var refusal *Refusal
	if err := d.Sink.Send(t.Context(), &Batch{Results: []*Result{&bad, &good}}); !errors.As(err, &refusal) || refusal.Dropped != 1 {
		t.Errorf("%v, want one of two refused", err)
	}
}

func TestDroppedBy(t *testing.T) {
	for answer, want := range map[string]int{
		`{"error":"partial write: field type conflict: input field \"x\" on measurement \"y\" is type float, already exists as type string dropped=17"}`: 17,
		`{"error":"partial write: points beyond retention policy dropped=3"}`:                                                                            3,
		`{"error":"partial write: unable to parse 'a': missing fields\nunable to parse 'b': invalid"}`:                                                   2,
		`{"error":"unable to parse 'a'"}`:      0,
		`{"error":"partial write: dropped=0"}`: 0,
	} {
		if got := droppedBy([]byte(answer)); got != want {
			t.Errorf("%s: %d, want %d", answer, got, want)
		}
	}
}

// TestInflux_Versions: addresses of both versions, and what they lack.
func TestInflux_Versions(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked = append(asked, r.URL.String()+" "+user+":"+password+" "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	t.Setenv("INFLUX_PASSWORD", "pa ss")
	token := t.TempDir() + "/token"
	writeFile(t, token, "s3cret\n")
	host := strings.TrimPrefix(s.URL, "http://")
	for _, e := range []Endpoint{{URL: "http://me:${env:INFLUX_PASSWORD}@" + host + "?db=netmon"}, {URL: s.URL + "/api/v2/write?org=shop&bucket=b", TokenFile: token}} {
		d, err := Influx(e, kinds.All(), &Tags{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(d.Name+d.File, "pa") && strings.Contains(d.Name, "ss") || strings.Contains(d.Name, "me:") {
			t.Errorf("the name holds a secret: %s", d.Name)
		}
		if err := d.Sink.Send(t.Context(), &Batch{Verdicts: []Verdict{changeOf("web", wire.VerdictDown)}}); err != nil {
			t.Error(err)
		}
	}
	if len(asked) != 2 || !strings.HasPrefix(asked[0], "/write?db=netmon&precision=ns me:pa ss ") || asked[1] != "/api/v2/write?bucket=b&org=shop&precision=ns : Token s3cret" {
		t.Errorf("%q", asked)
	}
	if _, err := Influx(Endpoint{URL: s.URL}, kinds.All(), &Tags{}); err == nil || !strings.Contains(err.Error(), "want where to write in the URL") {
		t.Error(err)
	}
}
