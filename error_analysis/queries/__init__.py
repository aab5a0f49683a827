"""Which queries there are and which fail: rankings of several models over one gallery
(model_rankings, protocol_galleries), a query with what was retrieved for it (query, query_json),
what is hard (hard_queries), who beats whom (wins, hard_overlap). Start at hard_queries.py."""
