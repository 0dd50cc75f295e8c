package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzDecodeAudit has an entry stay where it belongs, and what it is.
func FuzzDecodeAudit(f *testing.F) {
	f.Add("audit.access", []byte(`{"at":"2026-03-01T12:00:00Z","by":"olga","where":"access","did":"token","what":["paris"],"ok":true}`))
	f.Add("audit.paris", []byte(`{"at":"2026-03-01T12:00:00Z","where":"paris","did":"start","ok":false,"error":"no"}`))
	f.Add("audit.paris", []byte(`{"where":"access"}`))
	f.Add("audit.>", []byte(`{"where":">"}`))
	f.Add("audit.", []byte(`{"what":null}`))
	f.Add("", []byte(`[`))
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		a, err := DecodeAudit(subject, data)
		if err != nil {
			return
		}
		if subject != "audit."+a.Where || CheckToken(a.Where) != nil {
			t.Errorf("on %q about %q", subject, a.Where)
		}
		out, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", a, err)
		}
		if _, err := DecodeAudit(subject, out); err != nil {
			t.Errorf("%s is not read again: %v", out, err)
		}
	})
}

// FuzzCaller takes nobody's word for a name that is not a token, a role that is
// none, or a request that came by way of a service.
func FuzzCaller(f *testing.F) {
	for _, seed := range []string{
		`{"name_tag":"olga","tags":["role:operator"]}`,
		`{"acc":"A","name_tag":"paris","tags":["role:agent"],"rtt":1000}`,
		`{"name_tag":"controller","tags":["role:controller"]}`,
		`{"name_tag":"olga","tags":["role:operator","role:admin"]}`,
		`{"name_tag":"olga","tags":["role:king"]}`,
		`{"name_tag":"a.b","tags":["role:agent"]}`,
		`{"name_tag":"olga:UABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVW","tags":["role:operator"]}`,
		`{"name_tag":"olga:","tags":["role:operator"]}`,
		`{"name_tag":"olga","svc":"x","tags":["role:operator"]}`,
		`{"name_tag":"olga","tags":["operator"]}`, `{}`, `null`, ``, `[`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		who, err := Caller(header)
		if err != nil {
			if who != (Asker{}) {
				t.Errorf("%q: %+v with the error %v", header, who, err)
			}
			return
		}
		if CheckToken(who.Name) != nil || who.Role != RoleController && !slices.Contains(Roles, who.Role) || who.Session != "" && !keyLike(who.Session) {
			t.Errorf("%q: %+v", header, who)
		}
	})
}

// FuzzDecodeDelegation: what is taken is within its bounds, and read again as the same.
func FuzzDecodeDelegation(f *testing.F) {
	key := "UABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVW"
	for _, seed := range []string{
		`{"op":"open","key":"` + key + `","role":"operator","for":"8h","of":"http://shop:8080"}`,
		`{"op":"open","key":"` + key + `","role":"admin","for":"9999h","of":"\u202e"}`,
		`{"op":"open","key":"` + key + `","Role":"viewer","role":"operator","for":"8h"}`,
		`{"op":"end","key":"` + key + `"}`, `{"op":"end","key":"U"}`, `{}`, `null`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeDelegation(data)
		if err != nil {
			return
		}
		if open := d.Op == DelegateOpen; open != (d.Role == RoleViewer || d.Role == RoleOperator) || open != (d.For >= MinSession && d.For <= MaxSession) ||
			len(d.Of) > MaxSessionOf || invisible(d.Of) || !keyLike(d.Key) {
			t.Errorf("%s is taken for %+v", data, d)
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeDelegation(out); err != nil || again != d {
			t.Errorf("%s is read again as %+v: %v", out, again, err)
		}
		if subject, err := DelegateSubject(SessionName("olga", d.Key)); err != nil || subject != "access.delegate.olga:"+d.Key {
			t.Errorf("%q %v", subject, err)
		}
	})
}

// FuzzDecodeProof: two proofs that differ never sign the same text.
func FuzzDecodeProof(f *testing.F) {
	f.Add(`{"key":"U","challenge":"C","nonce":"N","signature":"S"}`, `{"key":"U","challenge":"C\nN","signature":"S"}`)
	f.Add(`{"key":"U","store":"S","revision":7}`, `{"key":"U","store":"S\n7"}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		p, errP := DecodeProof(a)
		q, errQ := DecodeProof(b)
		if errP != nil || errQ != nil {
			return
		}
		p.Signature, q.Signature = "", ""
		x, errX := p.Text("s", "", nil)
		y, errY := q.Text("s", "", nil)
		if errX == nil && errY == nil && bytes.Equal(x, y) != (p == q) {
			t.Errorf("%+v and %+v sign %q and %q", p, q, x, y)
		}
	})
}

// FuzzJoin: of what an honest joiner proved, nothing can be changed on the way.
func FuzzJoin(f *testing.F) {
	f.Add([]byte(`{"id":"I","key":"K","curve":"C","as":"agent","name":"web1"}`), []byte(`{"id":"I","key":"K","curve":"C","as":"agent","host":"web1"}`))
	f.Add([]byte(`{"id":"I","key":"K","curve":"C","as":"agent"}`), []byte(`{"id":"I","key":"K\nC","curve":"agent"}`))
	f.Add([]byte(`{"as":"console","proof":"P"}`), []byte(`{"as":"console"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var p, q Join
		if json.Unmarshal(a, &p) != nil || json.Unmarshal(b, &q) != nil {
			return
		}
		p.Proof, q.Proof = "", ""
		for _, field := range []string{p.ID, p.Key, p.Curve, string(p.As), p.Name, p.Host} {
			if strings.Contains(field, "\n") {
				return // honest ones have none
			}
		}
		if (p.Text() == q.Text()) != (p == q) {
			t.Errorf("%+v and %+v prove %q and %q", p, q, p.Text(), q.Text())
		}
	})
}
