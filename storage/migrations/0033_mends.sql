-- Who may be made known over HTTP: a research party too, for whom datasets are defined. Makers see
-- everything, and auditors must not be chosen by whom they watch over: both are made by command.

CREATE OR REPLACE FUNCTION served.create_party(principal bigint, new_kind text, new_name text)
RETURNS TABLE (party_id bigint, kind text, name text, created_at timestamptz, is_own boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    PERFORM require_kind(principal, 'maker');
    IF new_kind NOT IN ('owner', 'dealer', 'service_provider', 'data_science') THEN
        PERFORM refuse(422, 'invalid_parameter', format('A party of kind %s is not made here.', new_kind),
                       'Makers and auditors are made by command: telemetry identity parties create.',
                       'kind');
    END IF;
    INSERT INTO party (kind, name) VALUES (new_kind, new_name)
    ON CONFLICT (name) DO NOTHING RETURNING party_id INTO made;
    IF made IS NULL THEN
        PERFORM refuse(409, 'already_there', 'There is a party of this name already.',
                       'Choose a name that tells the two apart.', 'name');
    END IF;
    RETURN QUERY SELECT party_id, kind, name, created_at, false FROM party WHERE party_id = made;
END $$;
