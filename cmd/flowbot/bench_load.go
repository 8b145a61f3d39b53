package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// stage is an installation of its own with a serving process and the emulator
// in front of it, for one measurement.
type stage struct {
	i        *installation
	telegram *emulator.Server
	ear      *ear
	web      *http.Server
	address  string
	serving  *exec.Cmd
	phones   []*emulator.Phone
	log      *os.File
}

// benchChats is how many people write during a measurement. Each writes again
// after three seconds at 200 updates a second, as people who press buttons do.
const benchChats = 600

// newStage opens a fresh installation in a directory of its own, with people.
func newStage(ctx context.Context, p *program) (_ *stage, err error) {
	dir, err := os.MkdirTemp("", "flowbot-bench-")
	if err != nil {
		return nil, err
	}
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	s.DataDir, s.DatabaseURL, s.FilesURL = dir, "", ""
	st := &stage{}
	if st.i, err = open(ctx, s, newLog(p.stderr, s.LogLevel, s.secrets())); err != nil {
		return nil, err
	}
	st.i.closers = append([]func() error{func() error { return os.RemoveAll(dir) }}, st.i.closers...)
	if st.log, err = os.CreateTemp(dir, "serve-*.log"); err != nil {
		return nil, errors.Join(err, st.i.Close())
	}
	if err := st.populate(ctx); err != nil {
		return nil, errors.Join(err, st.i.Close())
	}
	return st, nil
}

// populate writes the people of a measurement: twenty partners, the operator.
func (st *stage) populate(ctx context.Context) error {
	for _, q := range []string{
		`INSERT INTO orgs (kind, name) SELECT 'partner', 'Партнёр ' || i FROM generate_series(1, 20) i`,
		`INSERT INTO orgs (kind, name) VALUES ('operator', 'Оператор')`,
		fmt.Sprintf(`INSERT INTO people (name, telegram_id) SELECT 'Сотрудник ' || i, %d + i FROM generate_series(1, %d) i`, firstBenchChat, benchChats),
		`INSERT INTO memberships (person_id, org_id, role) SELECT id, 1 + id % 20, 'partner_rep' FROM people`,
		`INSERT INTO cohorts (number, partner_id, program, start_on, end_on)
			SELECT 'П-' || i, 1 + i % 20, 'Программа', '2026-01-12', '2026-02-27' FROM generate_series(1, 200) i`,
		`INSERT INTO learners (cohort_id, number, last_name, first_name, finished, document_type, document_number, registration_number, document_on)
			SELECT 1 + i % 200, 'З-' || i, 'Фамилия' || i, 'Имя', true, 1, i::text, i::text, '2026-02-27' FROM generate_series(1, 4000) i`,
		`ANALYZE`,
	} {
		if _, err := st.i.db.Bun().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("populate: %w", err)
		}
	}
	return nil
}

// firstBenchChat is below the number of the first chat.
const firstBenchChat = 5_000_000

// play starts the emulator with its limits and a serving process with its rates.
func (st *stage) play(ctx context.Context, limits emulator.Limits, env ...string) error {
	st.telegram = emulator.New(emulator.Options{
		BotName: demoBot, Limits: limits, FirstUpdate: time.Now().UnixMilli(), FirstMessage: 1,
	})
	st.ear = &ear{next: st.telegram, heard: map[int64][]time.Time{}, polled: make(chan struct{})}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	st.address = "http://" + listener.Addr().String()
	st.web = &http.Server{Handler: st.ear, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = st.web.Serve(listener) }() // ends with Close
	st.phones = nil
	for n := range benchChats {
		st.phones = append(st.phones, st.telegram.Phone(int64(firstBenchChat+n+1), "bench", "ru"))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	st.serving = exec.CommandContext(context.WithoutCancel(ctx), self, "serve") //nolint:gosec // this program
	st.serving.Env = append(os.Environ(), append([]string{
		"TELEGRAM_TOKEN=" + st.telegram.Token(), "TELEGRAM_API_URL=" + st.address, "BOT_NAME=" + demoBot, "TELEGRAM_MODE=poll",
		"DATABASE_URL=" + st.i.url, "DATA_DIR=" + st.i.settings.DataDir, "LISTEN_ADDR=127.0.0.1:0", "LOG_LEVEL=warn",
	}, env...)...)
	st.serving.Stdout, st.serving.Stderr = st.log, st.log
	if err := st.serving.Start(); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	select {
	case <-st.ear.polled:
		return nil
	case <-ready.Done():
		return fmt.Errorf("the serving process does not ask for updates: %w", ready.Err())
	}
}

// pause stops the serving process and the emulator.
func (st *stage) pause() error {
	if st.serving == nil {
		return nil
	}
	err := st.serving.Process.Signal(syscall.SIGTERM)
	err = errors.Join(err, st.serving.Wait())
	st.telegram.Close()
	st.serving = nil
	return errors.Join(err, st.web.Close())
}

func (st *stage) close() error { return errors.Join(st.pause(), st.i.Close()) }

// ear notes when answers reach the Bot API, by chat.
type ear struct {
	next  http.Handler
	mu    sync.Mutex
	heard map[int64][]time.Time

	once   sync.Once
	polled chan struct{} // closed by the first poll
}

// ServeHTTP implements http.Handler.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if strings.HasSuffix(r.URL.Path, "/getUpdates") {
		e.once.Do(func() { close(e.polled) })
	}
	if strings.HasSuffix(r.URL.Path, "/sendMessage") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if id := chatOf(r.Header.Get("Content-Type"), body); id != 0 {
			e.mu.Lock()
			e.heard[id] = append(e.heard[id], at)
			e.mu.Unlock()
		}
	}
	e.next.ServeHTTP(w, r)
}

func chatOf(contentType string, body []byte) int64 {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0
	}
	var text string
	if kind == "multipart/form-data" {
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
		if err != nil || len(form.Value["chat_id"]) == 0 {
			return 0
		}
		text = form.Value["chat_id"][0]
	} else {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return 0
		}
		text = values.Get("chat_id")
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// load writes «/tasks» at a rate for a time, waits for the answers and returns
// how long each took from the stored update to its arrival at the Bot API,
// sorted.
func (st *stage) load(ctx context.Context, rate int, length time.Duration) ([]time.Duration, error) {
	before := st.answers()
	since := time.Now()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	total := int(length.Seconds() * float64(rate))
	for n := range total {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		st.phones[n%len(st.phones)].Say("/tasks")
	}
	all, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := st.telegram.WaitFor(all, func() bool { return st.answers() >= before+total }); err != nil {
		return nil, fmt.Errorf("%d of %d answers came: %w", st.answers()-before, total, err)
	}
	return st.latencies(ctx, since)
}

// answers counts what has reached the Bot API in the chats of the measurement.
func (st *stage) answers() int {
	st.ear.mu.Lock()
	defer st.ear.mu.Unlock()
	n := 0
	for _, at := range st.ear.heard {
		n += len(at)
	}
	return n
}

// latencies pairs stored updates with answers: in one chat both have one order.
func (st *stage) latencies(ctx context.Context, since time.Time) ([]time.Duration, error) {
	var stored []struct {
		ChatID     int64
		ReceivedAt time.Time
	}
	err := st.i.db.Bun().NewRaw(`SELECT chat_id, received_at FROM updates WHERE received_at >= ? ORDER BY update_id`, since).Scan(ctx, &stored)
	if err != nil {
		return nil, fmt.Errorf("stored updates: %w", err)
	}
	st.ear.mu.Lock()
	defer st.ear.mu.Unlock()
	var out []time.Duration
	for _, u := range stored {
		heard := st.ear.heard[u.ChatID]
		for len(heard) > 0 && heard[0].Before(u.ReceivedAt) {
			heard = heard[1:] // a notice, or an answer of an earlier load
		}
		if len(heard) > 0 {
			out = append(out, heard[0].Sub(u.ReceivedAt))
			st.ear.heard[u.ChatID] = heard[1:]
		}
	}
	slices.Sort(out)
	return out, nil
}

// quantile is the value below which a share q of the sorted values lie.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func printLatencies(w io.Writer, name, what string, all []time.Duration) error {
	_, err := fmt.Fprintf(w, "%-44s %6d %s  p50 %7s  p95 %7s  p99 %7s  max %7s\n", name, len(all), what,
		ms(quantile(all, .5)), ms(quantile(all, .95)), ms(quantile(all, .99)), ms(quantile(all, 1)))
	return err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// memory reads a process's memory in MB: what it holds now and what it held at
// most. Source: proc(5), VmRSS and VmHWM in kB.
func memory(pid int) (now, most float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("memory of the serving process: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kb, err := strconv.ParseFloat(number, 64)
		switch {
		case err != nil:
		case name == "VmRSS":
			now = kb / 1024
		case name == "VmHWM":
			most = kb / 1024
		}
	}
	return now, most, nil
}

const (
	benchWarmup = 5 * time.Second
	benchLength = 30 * time.Second
)

// benchAnswers measures how soon people are answered.
func benchAnswers(ctx context.Context, p *program) (err error) {
	st, err := newStage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()

	if err := st.play(ctx, emulator.Limits{}, "SEND_RATE=100000", "SEND_RATE_CHAT=1000"); err != nil {
		return err
	}
	if _, err := st.load(ctx, 200, benchWarmup); err != nil {
		return err
	}
	fast, err := st.load(ctx, 200, benchLength)
	if err != nil {
		return err
	}
	now, most, err := memory(st.serving.Process.Pid)
	if err != nil {
		return err
	}
	if err := errors.Join(
		printLatencies(p.out, "200 a second, rates raised", "answers", fast),
		printMemory(p.out, "serving process under that load", now, most), st.pause()); err != nil {
		return err
	}
	if err := st.play(ctx, emulator.RealLimits()); err != nil {
		return err
	}
	if _, err := st.load(ctx, 25, benchWarmup); err != nil {
		return err
	}
	quiet, err := st.load(ctx, 25, benchLength)
	if err != nil {
		return err
	}
	if err := printLatencies(p.out, "25 a second, real rates", "answers", quiet); err != nil {
		return err
	}
	if err := st.flood(ctx, 100_000); err != nil {
		return err
	}
	busy, err := st.load(ctx, 25, benchLength)
	if err != nil {
		return err
	}
	waiting, err := st.i.db.Bun().NewRaw(`SELECT 1 FROM notices WHERE state = 'queued'`).Exec(ctx)
	if err != nil {
		return err
	}
	left, err := waiting.RowsAffected()
	if err != nil {
		return err
	}
	if err := printLatencies(p.out, fmt.Sprintf("the same, %d notices still waiting", left), "answers", busy); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "p95 beside the quiet one: %.2f times\n", float64(quantile(busy, .95))/float64(quantile(quiet, .95)))
	return err
}

func printMemory(w io.Writer, name string, now, most float64) error {
	_, err := fmt.Fprintf(w, "%-44s %.0f MB, at most %.0f MB\n", name, now, most)
	return err
}

// flood puts reminders for people who are not among those that write.
func (st *stage) flood(ctx context.Context, n int) error {
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO people (name, telegram_id) SELECT 'Ждущий ' || i, %d + i FROM generate_series(1, %d) i`, 2*firstBenchChat, n),
		`INSERT INTO memberships (person_id, org_id, role) SELECT id, 21, 'operator_rep' FROM people WHERE name LIKE 'Ждущий %'`,
		`INSERT INTO notices (person_id, kind, lane, payload, key) SELECT id, 'queue', 1, '{}', 'queue' FROM people WHERE name LIKE 'Ждущий %'`,
		`ANALYZE`,
	} {
		if _, err := st.i.db.Bun().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("flood: %w", err)
		}
	}
	return nil
}

// benchMemory measures what bombs do to the serving process while it answers.
func benchMemory(ctx context.Context, p *program) (err error) {
	st, err := newStage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	if err := st.play(ctx, emulator.Limits{}, "SEND_RATE=100000", "SEND_RATE_CHAT=1000"); err != nil {
		return err
	}
	by, err := st.i.people.Actor(ctx, st.phones[0].ID())
	if err != nil {
		return err
	}
	list, err := st.i.acts.CohortList(ctx, by, service.WantGenerate, "", 0, 1)
	if err != nil || len(list) == 0 {
		return errors.Join(errors.New("no cohort to generate an act in"), err)
	}
	if _, err := st.i.acts.Generate(ctx, by, service.GenerateInput{CohortID: list[0].ID, Revision: list[0].Revision}); err != nil {
		return err
	}
	if _, err := st.load(ctx, 200, benchWarmup); err != nil {
		return err
	}
	before, _, err := memory(st.serving.Process.Pid)
	if err != nil {
		return err
	}
	if err := printMemory(p.out, "before the bombs", before, before); err != nil {
		return err
	}
	phone := st.phones[0]
	phone.Say("Журнал и скриншоты · поток " + list[0].Number)
	soon, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if _, err := phone.Await(soon, "журнал и скриншоты"); err != nil {
		return err
	}
	bombs := []struct {
		name, mime string
		data       []byte
	}{
		{"pdf.pdf", "application/pdf", bombPDF(4 << 30)},
		{"picture.png", "image/png", bombPNG(50_000, 50_000)},
	}
	for _, bomb := range bombs {
		phone.SendDocument(bomb.name, bomb.mime, bomb.data, "")
		if _, err := phone.Await(soon, "Не принят файл «"+bomb.name+"»"); err != nil {
			return fmt.Errorf("refusal of %s: %w", bomb.name, err)
		}
		now, most, err := memory(st.serving.Process.Pid)
		if err != nil {
			return err
		}
		if err := printMemory(p.out, fmt.Sprintf("after %s of %d kB", bomb.name, len(bomb.data)>>10), now, most); err != nil {
			return err
		}
	}
	return nil
}

// bombPDF is a PDF of one page whose contents, packed twice, inflate to so many
// bytes.
func bombPDF(inflated int64) []byte {
	var packed bytes.Buffer
	outer := zlib.NewWriter(&packed) // into memory: cannot fail
	inner := zlib.NewWriter(outer)
	_, _ = io.CopyN(inner, zeros{}, inflated)
	_ = inner.Close()
	_ = outer.Close()
	var b bytes.Buffer
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), text)
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>")
	object(fmt.Sprintf("<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream", packed.Len(), packed.String()))
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// bombPNG is a picture whose header promises so many pixels.
func bombPNG(width, height uint32) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		body := append([]byte(kind), data...)
		_ = binary.Write(&b, binary.BigEndian, uint32(len(data))) //nolint:gosec // small, and into memory
		b.Write(body)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(nil, width)
	head = binary.BigEndian.AppendUint32(head, height)
	chunk("IHDR", append(head, 8, 2, 0, 0, 0))
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = io.CopyN(z, zeros{}, 64<<20)
	_ = z.Close()
	chunk("IDAT", packed.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}
