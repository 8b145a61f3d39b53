package service_test

import (
	"testing"

	"flowbot/service"
)

func TestBlankNumberNeedsTwoReadingsThatAgree(t *testing.T) {
	t.Parallel()
	const number = "5639347842373"
	// can lists single digits, and several in brackets.
	can := func(text string) []string {
		var out []string
		open := false
		for _, c := range text {
			switch {
			case c == '[':
				open = true
				out = append(out, "")
			case c == ']':
				open = false
			case open:
				out[len(out)-1] += string(c)
			default:
				out = append(out, string(c))
			}
		}
		return out
	}
	for _, tt := range []struct {
		name         string
		code, digits string
		maybe        []string
		want         string // "" for unread
	}{
		{"both whole", number, number, nil, number},
		{"no bar code", "", number, nil, ""},
		{"no digits", number, "", nil, ""},
		{"neither", "", "", nil, ""},
		{"one digit apart", number, "5639347842393", nil, ""},
		{"one digit missing", number, number[1:], nil, ""},
		{"a stamp over five digits", number, "56393478?????", can("56393478[43][12][38][71][35]"), number},
		{"a stamp over six", number, "5639347??????", can("5639347[82][43][12][38][71][35]"), ""},
		{"a digit that is not sure and cannot be that of the code", number, "563934784237?", can("563934784237[58]"), ""},
		{"a digit that is not sure and can be", number, "563934784237?", can("563934784237[53]"), number},
		{"a digit of the code is not sure", "5?39347842373", number, nil, number},
		{"the same digit of both", "5?39347842373", "5?39347842373", can("5[61]39347842373"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, read := service.BlankNumberOf(&service.PageReading{BlankCode: tt.code, BlankDigits: tt.digits, BlankMaybe: tt.maybe, BlankSeries: "АБ"})
			if read != (tt.want != "") || key.Number != tt.want {
				t.Errorf("the number is %q, %v, want %q", key.Number, read, tt.want)
			}
			if read && key.Series != "АБ" {
				t.Errorf("the series is %q", key.Series)
			}
		})
	}
}
