"""What is learned: labels, splits, the three phases, and the pipeline that judges them out of sample."""

from esbt.market_config import Market, Synthetic
from python_models.config import Learning, RunConfig, load_config
from python_models.labels import Labels, label_trades
from python_models.learn import Learned, Training, learn
from python_models.pipeline import PipelineResult, TradingSystemPipeline

__all__ = [
    "Labels",
    "Learned",
    "Learning",
    "Market",
    "PipelineResult",
    "RunConfig",
    "Synthetic",
    "TradingSystemPipeline",
    "Training",
    "label_trades",
    "learn",
    "load_config",
]
