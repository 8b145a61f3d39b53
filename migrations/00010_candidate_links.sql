-- +goose Up
-- Who opens a candidate's link is asked for the day of birth before it is used up.
ALTER TABLE candidate_claims ADD COLUMN invitation_id bigint REFERENCES invitations; -- the link that was opened
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_step;
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_step CHECK (step IN ('', 'phone', 'born', 'digits', 'link'));
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_link CHECK ((step = 'link') = (invitation_id IS NOT NULL));

-- +goose Down
UPDATE candidate_claims SET step = '', invitation_id = NULL WHERE step = 'link';
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_link;
ALTER TABLE candidate_claims DROP CONSTRAINT candidate_claims_step;
ALTER TABLE candidate_claims ADD CONSTRAINT candidate_claims_step CHECK (step IN ('', 'phone', 'born', 'digits'));
ALTER TABLE candidate_claims DROP COLUMN invitation_id;
