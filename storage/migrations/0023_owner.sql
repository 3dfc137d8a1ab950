-- What an owner sets by himself: what a litre costs him.
-- works with: 6

CREATE TABLE fuel_price (
    party_id  bigint PRIMARY KEY REFERENCES party,
    price     double precision NOT NULL CHECK (price >= 0 AND price <= 1000000),
    currency  text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    set_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE fuel_price IS 'What a litre costs a party that has said so; for all others there is a setting.';
COMMENT ON COLUMN fuel_price.currency IS 'ISO 4217.';

-- What the principal counts by; a driver by what his employer does.
CREATE FUNCTION served.fuel_price(principal bigint)
RETURNS TABLE (price double precision, currency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
    SELECT fuel_price.price, fuel_price.currency
    FROM fuel_price
    WHERE fuel_price.party_id = CASE
        WHEN principal >= 0 THEN principal
        ELSE (SELECT driver.party_id FROM driver WHERE driver_id = -principal)
    END
$$;

-- Count by another one from now on; new_price NULL: by the setting again.
CREATE FUNCTION served.set_fuel_price(
    principal bigint, new_price double precision, new_currency text
) RETURNS TABLE (price double precision, currency text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = telemetry, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF new_price IS NULL THEN
        DELETE FROM fuel_price WHERE party_id = principal;
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO fuel_price (party_id, price, currency)
    SELECT party.party_id, new_price, new_currency FROM party WHERE party.party_id = principal
    ON CONFLICT (party_id) DO UPDATE
    SET price = EXCLUDED.price, currency = EXCLUDED.currency, set_at = now()
    RETURNING fuel_price.price, fuel_price.currency;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA served FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA served TO telemetry_api;
