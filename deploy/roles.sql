-- Les rôles de PostgreSQL dont un hub a besoin. À exécuter une fois par l’administrateur du serveur, quand le rôle du
-- hub n’a pas le droit de les faire lui-même (ni superutilisateur, ni CREATEROLE) :
--
--     psql -d postgres -v hub=ROLE -v base=BASE -f roles.sql
--
-- ROLE : le rôle sous lequel le hub se connecte ; il doit pouvoir créer dans BASE, sa base de données. Le fichier peut
-- être exécuté de nouveau, et pour plusieurs hubs d’un même serveur : les quatre rôles leur sont communs.
\set ON_ERROR_STOP on

BEGIN;

-- Aucun ne se connecte : le hub prend l’un ou l’autre selon ce qu’il fait, par SET ROLE.
--   ctai_ingest         enregistre les envois des agents
--   ctai_consolidation  lit les enregistrements pour les évaluer, par ses fonctions seulement
--   ctai_report         lit les évaluations
--   ctai_web            lit les évaluations pour les pages
SELECT format('CREATE ROLE %I NOLOGIN', role)
FROM unnest(ARRAY['ctai_ingest', 'ctai_consolidation', 'ctai_report', 'ctai_web']) AS role
WHERE to_regrole(role) IS NULL
\gexec

GRANT ctai_ingest, ctai_consolidation, ctai_report, ctai_web TO :"hub";

-- Le rôle d’un autre hub du serveur est membre des mêmes rôles : ne laissez entrer dans la base que le sien.
REVOKE CONNECT, TEMPORARY ON DATABASE :"base" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"base" TO :"hub";

-- Avec « stable = standby » dans hub.conf seulement :
--     GRANT pg_monitor TO :"hub";

COMMIT;

-- Mieux que SET ROLE, des connexions qui n’ont jamais plus de droits (database_ingest et database_report de hub.conf) :
--     CREATE ROLE hub_envois LOGIN PASSWORD '...' IN ROLE ctai_ingest;
--     CREATE ROLE hub_rapports LOGIN PASSWORD '...' IN ROLE ctai_report;
--     GRANT CONNECT ON DATABASE "base" TO hub_envois, hub_rapports;
