package wire

import "encoding/json"

// MaxAudit bounds a line of the audit, in bytes. The stream takes little more.
const MaxAudit = 15 << 9

// Encode writes a line as it is stored. One that is too long loses what is said
// in words, and then names: nobody leaves no trace by saying too much.
func (a Audit) Encode() ([]byte, error) {
	data, err := json.Marshal(a)
	for most := MaxText; err == nil && len(data) > MaxAudit && most > 0; {
		most /= 4
		a.Detail, a.Error = Clip(a.Detail, most), Clip(a.Error, most)
		a.What = a.What[:min(len(a.What), most/4)]
		data, err = json.Marshal(a)
	}
	return data, err
}
