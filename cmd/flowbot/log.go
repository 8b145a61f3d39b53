package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"regexp"
)

// newLog returns the program's log: JSON lines to w. Secrets and words that are
// not ours never get there, whoever logs them.
func newLog(w io.Writer, level slog.Level, secrets []string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(redact(w, secrets), &slog.HandlerOptions{Level: level}))
}

// hidden stands in the place of what was taken out.
const hidden = "[hidden]"

// minSecret is the shortest secret that is looked for, in bytes: shorter ones
// would tear ordinary words apart.
const minSecret = 4

// foreignWords are words in Cyrillic. Our own log speaks English and in ids, so
// these are somebody's name or text that came along inside an error.
var foreignWords = regexp.MustCompile(`\p{Cyrillic}[\p{Cyrillic}\p{M}.«» -]*`)

// redacting is a writer that takes out what must not be printed. slog writes
// each record with one call.
type redacting struct {
	w       io.Writer
	secrets [][]byte
	foreign bool // take foreignWords out, too
}

func redact(w io.Writer, secrets []string) io.Writer {
	return &redacting{w: w, secrets: secretForms(secrets), foreign: true}
}

// secretForms are the forms in which secrets can stand in a text: as they are,
// in an address and in JSON.
func secretForms(secrets []string) [][]byte {
	var out [][]byte
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		forms := []string{s, url.QueryEscape(s), url.PathEscape(s)}
		if quoted, err := json.Marshal(s); err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
		for _, form := range forms {
			out = append(out, []byte(form))
		}
	}
	return out
}

func (r *redacting) Write(p []byte) (int, error) {
	clean := p
	for _, s := range r.secrets {
		clean = bytes.ReplaceAll(clean, s, []byte(hidden))
	}
	if r.foreign {
		clean = foreignWords.ReplaceAll(clean, []byte(hidden))
	}
	if _, err := r.w.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}
