package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// link waits until a phone has a button that opens a page, and returns where.
func (d *demoPage) link(phone int64, label string) string {
	d.t.Helper()
	var address string
	d.events(phone, "the button «"+label+"»", func(all []seenMessage) bool {
		for _, m := range all {
			for _, row := range m.Buttons {
				for _, b := range row {
					if b.Text == label && b.URL != "" {
						address = b.URL
					}
				}
			}
		}
		return address != ""
	})
	return address
}

// tus sends a request of the protocol of uploads, headers as name and value in
// turn.
func tus(t *testing.T, method, address string, body []byte, headers ...string) (status int, answered http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// TestScansComeByTheDemosUploadPage sends a batch by the page, kills the program
// in the middle, and goes on with the next one.
func TestScansComeByTheDemosUploadPage(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t).with("DELIVERY_HOLD=0s", "LOG_LEVEL=debug")
	first := p.start("demo", "--addr", "127.0.0.1:0")
	first.wait(first.out, "Stop with Ctrl-C")
	page := &demoPage{t, regexp.MustCompile(`http://\S+`).FindString(first.out.String())}
	files := filepath.Join(p.data, "demo")
	const center, candidate = 107, 109

	page.say(center, "Загрузить сканы · "+sampleScanned)
	page.press(center, "Загрузить через страницу")
	link := page.link(center, "Открыть страницу")
	base, token, _ := strings.Cut(link, "/upload/")
	if want := first.address(); base != want {
		t.Fatalf("the link leads to %s, the pages are at %s", base, want)
	}
	if status, body := get(t, link); status != http.StatusOK || !strings.Contains(body, "Экзамен "+sampleScanned) {
		t.Fatalf("the page: %d", status)
	}
	p.awaitFile(filepath.Join(files, samplePhotoFile(samplePhotos)))
	batch, err := os.ReadFile(filepath.Join(files, sampleBatchFile))
	if err != nil {
		t.Fatal(err)
	}
	status, made := tus(t, http.MethodPost, link+"/files/", nil, "Upload-Length", strconv.Itoa(len(batch)),
		"Upload-Metadata", "name "+base64.StdEncoding.EncodeToString([]byte(sampleBatchFile)))
	if status != http.StatusCreated {
		t.Fatalf("begin: %d", status)
	}
	name, half := made.Get("Location"), len(batch)/2
	const part = "application/offset+octet-stream"
	if status, _ = tus(t, http.MethodPatch, link+"/files/"+name, batch[:half], "Upload-Offset", "0", "Content-Type", part); status != http.StatusNoContent {
		t.Fatalf("a piece: %d", status)
	}
	first.kill()

	second := p.start("demo", "--addr", "127.0.0.1:0")
	second.wait(second.out, "Stop with Ctrl-C")
	page.base = regexp.MustCompile(`http://\S+`).FindString(second.out.String())
	link = second.address() + "/upload/" + token
	if status, here := tus(t, http.MethodHead, link+"/files/"+name, nil); here.Get("Upload-Offset") != strconv.Itoa(half) {
		t.Fatalf("after the kill: %d, at %q of %d", status, here.Get("Upload-Offset"), half)
	}
	status, _ = tus(t, http.MethodPatch, link+"/files/"+name, batch[half:], "Upload-Offset", strconv.Itoa(half), "Content-Type", part)
	if status != http.StatusNoContent {
		t.Fatalf("the rest: %d", status)
	}
	if status, _ := tus(t, http.MethodPost, link+"/done", nil); status != http.StatusNoContent {
		t.Errorf("done: %d", status)
	}
	page.sees(center, "Экзамен "+sampleScanned+": сканы распознаны")
	page.sees(candidate, "Imtihon "+sampleScanned)
	p.scannedRight()
	if status, _ := get(t, link); status != http.StatusNotFound {
		t.Errorf("the used link: %d", status)
	}
	for _, r := range []*process{first, second} {
		if printed := r.out.String() + r.err.String(); strings.Contains(printed, token) {
			t.Errorf("the token is printed:\n%s", printed)
		}
	}
}
