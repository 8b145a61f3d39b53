package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// demoPage is the page of a running demo, as its own script talks to it.
type demoPage struct {
	t    *testing.T
	base string
}

// seenMessage is a message on a phone.
type seenMessage struct {
	ID      int    `json:"id"`
	Bot     bool   `json:"bot"`
	HTML    string `json:"html"`
	Deleted bool   `json:"deleted"`
	Buttons [][]struct {
		Text string `json:"text"`
		Data string `json:"data"`
		URL  string `json:"url"`
	} `json:"buttons"`
}

// events calls fn with the messages of a phone, oldest first, now and after
// each change, until fn returns true.
func (d *demoPage) events(phone int64, what string, fn func([]seenMessage) bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	resp := d.do(ctx, http.MethodGet, "/phone/events", "", http.NoBody)
	defer resp.Body.Close()
	var last []seenMessage
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "data: ") {
			continue
		}
		if last = d.messages(ctx, phone); fn(last) {
			return
		}
	}
	seen, _ := json.MarshalIndent(last[max(0, len(last)-2):], "", " ")
	d.t.Fatalf("phone %d waits for %s in vain (%v); the last it shows:\n%s", phone, what, lines.Err(), seen)
}

// messages are what a phone shows now.
func (d *demoPage) messages(ctx context.Context, phone int64) []seenMessage {
	d.t.Helper()
	resp := d.do(ctx, http.MethodGet, "/phone/events", "", http.NoBody)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var state struct {
			Phones []struct {
				ID       int64         `json:"id"`
				Messages []seenMessage `json:"messages"`
			} `json:"phones"`
		}
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			d.t.Fatal(err)
		}
		for _, p := range state.Phones {
			if p.ID == phone {
				return p.Messages
			}
		}
		break
	}
	return nil
}

func (d *demoPage) do(ctx context.Context, method, path, kind string, body io.Reader) *http.Response {
	d.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, d.base+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		d.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
	return resp
}

func (d *demoPage) post(path string, body any) {
	d.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	resp := d.do(d.t.Context(), http.MethodPost, path, "application/json", bytes.NewReader(b))
	_ = resp.Body.Close()
}

// say has a person write.
func (d *demoPage) say(phone int64, text string) {
	d.t.Helper()
	d.post(fmt.Sprintf("/phone/%d/say", phone), map[string]string{"text": text})
}

// press waits until a message has this button and presses that of the newest.
func (d *demoPage) press(phone int64, label string) {
	d.t.Helper()
	d.pressUnder(phone, "", label)
}

// pressUnder is press for the messages that say the text.
func (d *demoPage) pressUnder(phone int64, text, label string) {
	d.t.Helper()
	var id int
	var data string
	d.events(phone, "the button «"+label+"»", func(all []seenMessage) bool {
		for n := len(all) - 1; n >= 0; n-- {
			m := all[n]
			if !strings.Contains(m.HTML, text) {
				continue
			}
			for _, row := range m.Buttons {
				for _, b := range row {
					if b.Text == label || strings.HasPrefix(b.Text, label+" ·") || strings.HasPrefix(b.Text, label+" (") {
						id, data = m.ID, b.Data
						return true
					}
				}
			}
		}
		return false
	})
	d.post(fmt.Sprintf("/phone/%d/press", phone), map[string]any{"message": id, "data": data})
}

// sees waits until a message of the bot says the text.
func (d *demoPage) sees(phone int64, text string) {
	d.t.Helper()
	d.events(phone, fmt.Sprintf("%q", text), func(all []seenMessage) bool {
		return slices.ContainsFunc(all, func(m seenMessage) bool { return m.Bot && strings.Contains(m.HTML, text) })
	})
}

// send sends files together.
func (d *demoPage) send(phone int64, dir string, names ...string) {
	d.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			d.t.Fatal(err)
		}
		w, err := form.CreateFormFile("file", name)
		if err != nil {
			d.t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		d.t.Fatal(err)
	}
	resp := d.do(d.t.Context(), http.MethodPost, fmt.Sprintf("/phone/%d/files", phone), form.FormDataContentType(), &body)
	_ = resp.Body.Close()
}

// TestTheWholeFlowOnTheDemosPage does what a visitor would: an act, its package,
// a rejection, another journal, the approval. Everything is in it: the emulator,
// the bot, the workers, the child that reads files, the private PostgreSQL.
func TestTheWholeFlowOnTheDemosPage(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	demo := p.start("demo", "--addr", "127.0.0.1:0")
	demo.wait(demo.out, "Stop with Ctrl-C")
	page := &demoPage{t, regexp.MustCompile(`http://\S+`).FindString(demo.out.String())}
	files := filepath.Join(p.data, "demo")
	const partner, operator = 101, 102

	page.press(partner, "Сгенерировать акт")
	page.press(partner, "Поток 118")
	page.press(partner, "Готово")
	page.sees(partner, "на 12 слушателей?")
	page.press(partner, "Сгенерировать акт")
	page.sees(partner, "Акт 118/1</b> готов")
	page.press(partner, "Журнал и скриншоты")
	page.sees(partner, "Пришлите его файлом PDF")
	page.send(partner, files, "Журнал потока 118.pdf", "Скриншот потока 118, 1.png")
	page.press(partner, "Готово")
	page.press(partner, "Отправить на согласование")
	page.sees(partner, "Журнал версии 1 отправлен на согласование")

	page.sees(operator, "Ждут проверки: 3")
	page.press(operator, "Найти по номеру")
	page.sees(operator, "Напишите номер")
	page.say(operator, "118")
	page.press(operator, "118/1")
	page.press(operator, "Взять на проверку")
	page.press(operator, "Отклонить")
	page.press(operator, "Нечитаемо")
	page.sees(operator, "Отклонён")

	page.sees(partner, "Акт 118/1 отклонён")
	page.press(partner, "Заменить журнал")
	page.press(partner, "Готово")
	page.press(partner, "Отправить на согласование")
	page.sees(partner, "Журнал версии 2 отправлен на согласование")

	page.press(operator, "118/1") // of the search, which shows the act as it is now
	page.pressUnder(operator, "Журнал версии 2", "Взять на проверку")
	page.pressUnder(operator, "Журнал версии 2", "Согласовать")
	page.sees(partner, "Акт 118/1 согласован")

	var act struct {
		Status         string `json:"status"`
		Label          string `json:"label"`
		JournalVersion int    `json:"journal_version"`
		History        []struct {
			Event   string  `json:"event"`
			To      string  `json:"to"`
			Comment *string `json:"comment"`
		} `json:"history"`
	}
	if err := json.Unmarshal([]byte(p.must("show", "act", "118/1", "--json")), &act); err != nil {
		t.Fatal(err)
	}
	if act.Status != "approved" || act.Label != "Согласован" || act.JournalVersion != 2 {
		t.Errorf("the act is %s, «%s», with version %d", act.Status, act.Label, act.JournalVersion)
	}
	var events []string
	for _, h := range act.History {
		line := h.Event + " → " + h.To
		if h.Comment != nil {
			line += ": " + *h.Comment
		}
		events = append(events, line)
	}
	want := []string{
		"generate → awaiting_journal", "submit → in_approval", "take → in_approval", "reject → rejected: Нечитаемо",
		"replace → in_approval", "take → in_approval", "approve → approved",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("its history (-want +got):\n%s", diff)
	}
	if status := demo.signal(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d: %s", status, demo.err)
	}
}

// awaitFile waits until a file is there.
func (p *place) awaitFile(name string) {
	p.t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			p.t.Fatalf("%s does not come", name)
		}
	}
}

// scannedRight looks at the exam whose scans were sent as a file: most of them are
// loaded, each on the blank that it was drawn on, and the one whose number nobody
// can read is not.
func (p *place) scannedRight() {
	p.t.Helper()
	var exam struct {
		Applications []struct {
			Number string  `json:"number"`
			Blank  *string `json:"blank_number"`
			Scan   *string `json:"scan"`
		} `json:"applications"`
	}
	if err := json.Unmarshal([]byte(p.must("show", "exam", sampleScanned, "--json")), &exam); err != nil {
		p.t.Fatal(err)
	}
	loaded := 0
	for _, a := range exam.Applications {
		if a.Scan == nil {
			continue
		}
		loaded++
		n, err := strconv.Atoi(strings.TrimPrefix(a.Number, sampleScanned+"-"))
		if err != nil {
			p.t.Fatal(err)
		}
		if n == sampleBlotted || n > len(exam.Applications)-samplePhotos {
			p.t.Errorf("application %s has a scan", a.Number)
		}
		if a.Blank != nil && *a.Blank != sampleBlank(firstScanned+n) {
			p.t.Errorf("application %s is on blank %s", a.Number, *a.Blank)
		}
	}
	if want := len(exam.Applications) - samplePhotos - 1; loaded < want-1 || loaded > want {
		p.t.Errorf("%d of %d scans are loaded", loaded, want)
	}
}

// TestTheDayOfATestingCenterOnTheDemosPage does what a visitor is told to: results,
// a protocol and its review, numbers, printing, a scan that reaches its candidate, a
// batch of scans that are recognised, and a candidate who finds their application.
func TestTheDayOfATestingCenterOnTheDemosPage(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t).with("DELIVERY_HOLD=0s")
	demo := p.start("demo", "--addr", "127.0.0.1:0")
	demo.wait(demo.out, "Stop with Ctrl-C")
	page := &demoPage{t, regexp.MustCompile(`http://\S+`).FindString(demo.out.String())}
	files := filepath.Join(p.data, "demo")
	const center, second, candidate, stranger = 107, 108, 109, 110

	page.send(center, files, "Результаты 317.xlsx")
	page.sees(center, "Результаты: новых 10")
	page.say(center, "Нарушений нет · 317")
	page.sees(center, "Отмечено, что нарушений нет: 8")
	page.say(center, "Загрузить протокол · 317")
	page.sees(center, "Напишите номер протокола")
	page.say(center, "317/26")
	page.sees(center, "Напишите дату протокола")
	_, dated, _ := strings.Cut(demo.out.String(), "Протокол 317.pdf (no. 317/")
	_, dated, _ = strings.Cut(dated, ", ")
	dated, _, _ = strings.Cut(dated, ")")
	page.say(center, dated)
	page.sees(center, "Пришлите скан протокола")
	page.send(center, files, "Протокол 317.pdf")
	page.press(center, "Готово")
	page.pressUnder(second, "Протокол экзамена 317 ждёт проверки", "Взять протокол на проверку")
	page.press(second, "Одобрить протокол")
	page.sees(center, "Протокол экзамена 317 одобрен")

	page.say(center, "Импортировать сертификаты · 316")
	page.sees(center, "Пришлите один файл из ФИС ФРДО")
	page.send(center, files, "Ответ ФИС ФРДО 316.xlsx")
	page.press(center, "Сгенерировать")
	page.sees(center, "Экзамен 316: 10 сертификатов")
	page.say(center, "Импортировать сертификаты · 316")
	page.sees(center, "Пришлите один файл из ФИС ФРДО")
	page.send(center, files, "Ответ ФИС ФРДО 316, исправленный.csv")
	page.press(center, "Сгенерировать")
	page.sees(center, "Экзамен 316: 1 сертификат<")

	page.say(center, "Загрузить сертификат · 316-01")
	page.sees(center, "Напишите номер бланка")
	page.say(center, sampleBlank(sampleOneBlank))
	page.pressUnder(center, "Регистрационный номер по данным", "Верно")
	page.pressUnder(center, "Дата выдачи по данным", "Верно")
	page.sees(center, "Пришлите скан")
	p.awaitFile(filepath.Join(files, sampleOneFile))
	page.send(center, files, sampleOneFile)
	page.press(center, "Готово")
	page.press(center, "Загрузить")
	page.sees(candidate, "Imtihon 316")

	page.say(center, "Загрузить сканы · "+sampleScanned)
	page.sees(center, "Пришлите сканы")
	p.awaitFile(filepath.Join(files, samplePhotoFile(samplePhotos)))
	page.send(center, files, sampleBatchFile)
	page.pressUnder(center, "Пришлите сканы", "Готово")
	page.sees(center, "Экзамен "+sampleScanned+": сканы распознаны")
	page.sees(candidate, "Imtihon "+sampleScanned)
	p.scannedRight()

	page.say(stranger, "/start")
	page.press(stranger, "Ёфтани дархости ман")
	page.sees(stranger, "Фиристодани рақами ман")
	page.post(fmt.Sprintf("/phone/%d/contact", stranger), map[string]string{})
	page.sees(stranger, "Санаи таваллудро")
	page.say(stranger, sampleUnlinked.born)
	page.sees(stranger, "Чор рақами охири")
	page.say(stranger, "4821")
	page.sees(stranger, "Имтиҳон 310")

	var exam struct {
		Status       string `json:"certificate_status"`
		Applications []struct {
			Status      string  `json:"status"`
			Blank       *string `json:"blank_number"`
			DeliveredAt *string `json:"delivered_at"`
		} `json:"applications"`
	}
	if err := json.Unmarshal([]byte(p.must("show", "exam", "316", "--json")), &exam); err != nil {
		t.Fatal(err)
	}
	delivered := 0
	for _, a := range exam.Applications {
		if a.DeliveredAt != nil && a.Status == "awaiting_handover" && *a.Blank == sampleBlank(7) {
			delivered++
		}
	}
	if exam.Status != "partly_loaded" || len(exam.Applications) != len(sampleReady) || delivered != 1 {
		t.Errorf("the exam is %+v", exam)
	}
	if status := demo.signal(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d: %s", status, demo.err)
	}
}
