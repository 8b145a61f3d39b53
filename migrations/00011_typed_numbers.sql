-- +goose Up
-- A registration number that a person typed is not the word of ФИС ФРДО. The
-- import writes its own step, so whatever lacks it was typed.
ALTER TABLE applications ADD COLUMN number_typed boolean NOT NULL DEFAULT false; -- and no answer of ФИС ФРДО has said it since
UPDATE applications AS a SET number_typed = true
WHERE a.registration_number <> '' AND NOT EXISTS (
    SELECT 1 FROM history AS h WHERE h.subject = 'application' AND h.subject_id = a.id AND h.event = 'register_number'
);
ALTER TABLE applications ADD CONSTRAINT applications_number_typed CHECK (NOT number_typed OR registration_number <> '');
CREATE INDEX applications_typed ON applications (exam_id) WHERE number_typed;

-- What is taken back of a blank must be what the person has seen of it.
ALTER TABLE blanks ADD COLUMN revision integer NOT NULL DEFAULT 1;

-- +goose Down
ALTER TABLE blanks DROP COLUMN revision;
ALTER TABLE applications DROP COLUMN number_typed;
