package ocr

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/otiai10/gosseract/v2"
)

// starting lets one Tesseract start at a time: it changes the standard error of
// the whole process while it does.
var starting sync.Mutex

// tesseract reads single lines. It is not safe for concurrent use.
type tesseract struct {
	client *gosseract.Client
	buffer bytes.Buffer
}

// newTesseract starts one for these letters with the data of a language, as Tesseract
// names it. OMP_THREAD_LIMIT=1 must stand in the environment, or its threads wait for
// each other.
func newTesseract(language, letters string) (*tesseract, error) {
	starting.Lock()
	defer starting.Unlock()
	t := &tesseract{client: gosseract.NewClient()}
	for _, set := range []func() error{
		func() error { return t.client.SetLanguage(language) },
		func() error { return t.client.SetPageSegMode(gosseract.PSM_SINGLE_LINE) },
		func() error { return t.client.SetWhitelist(letters) },
		func() error { return t.client.SetVariable("load_system_dawg", "0") },
		func() error { return t.client.SetVariable("load_freq_dawg", "0") },
		func() error { return t.client.SetVariable("tessedit_do_invert", "0") },
	} {
		if err := set(); err != nil {
			return nil, fmt.Errorf("start Tesseract: %w", err)
		}
	}
	white := newGray(60, 40)
	for i := range white.pix {
		white.pix[i] = 255
	}
	if _, err := t.line(white); err != nil { // loads the model
		return nil, fmt.Errorf("start Tesseract with the data of Debian's tesseract-ocr-%s: %w", language, err)
	}
	return t, nil
}

func (t *tesseract) close() error {
	if err := t.client.Close(); err != nil {
		return fmt.Errorf("stop Tesseract: %w", err)
	}
	return nil
}

// line reads one line, without its spaces.
func (t *tesseract) line(g *gray) (string, error) {
	if err := t.give(g); err != nil {
		return "", err
	}
	text, err := t.client.Text()
	if err != nil {
		return "", fmt.Errorf("read a line: %w", err)
	}
	return strings.Join(strings.Fields(text), ""), nil
}

// give shows a line.
func (t *tesseract) give(g *gray) error {
	t.buffer.Reset()
	fmt.Fprintf(&t.buffer, "P5\n%d %d\n255\n", g.w, g.h)
	t.buffer.Write(g.pix)
	if err := t.client.SetImageFromBytes(t.buffer.Bytes()); err != nil {
		return fmt.Errorf("give Tesseract a line: %w", err)
	}
	return nil
}

// letters reads the letters of one line, and how sure the least sure of them is, in
// percent.
func (t *tesseract) letters(g *gray) (text string, sure float64, err error) {
	if err := t.give(g); err != nil {
		return "", 0, err
	}
	boxes, err := t.client.GetBoundingBoxes(gosseract.RIL_SYMBOL)
	if err != nil {
		return "", 0, fmt.Errorf("read letters: %w", err)
	}
	sure = 100
	var out strings.Builder
	for _, b := range boxes {
		out.WriteString(strings.TrimSpace(b.Word))
		sure = min(sure, b.Confidence)
	}
	return out.String(), sure, nil
}
